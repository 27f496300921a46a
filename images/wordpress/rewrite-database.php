<?php
/**
 * The database of a site: its tables, the keys of their rows, and statements that lose nothing.
 *
 * @package FrankenPanel
 */

declare( strict_types=1 );

if ( 'cli' !== PHP_SAPI ) {
	http_response_code( 404 );
	exit;
}

/**
 * The database refused a statement; what it says may quote content, so only its number is told.
 */
final class FrankenPanel_Refused extends RuntimeException {
}

/**
 * A table, as far as it matters here.
 */
final class FrankenPanel_Table {
	/**
	 * Notes it.
	 *
	 * @param string                $name    of the table.
	 * @param array<string, string> $key     columns that tell its rows apart, with their types; empty without such.
	 * @param string[]              $columns that hold text.
	 */
	public function __construct( public readonly string $name, public readonly array $key, public readonly array $columns ) {
	}
}

/**
 * The connection of WordPress, put to a use that WordPress does not have for it.
 */
final class FrankenPanel_Database {
	private const TEXT_TYPES    = array( 'char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext', 'json' );
	private const NUMBER_TYPES  = array( 'tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'decimal', 'year' );
	private const LITERAL_TYPES = array( 'char', 'varchar', 'tinytext', 'text', 'date', 'datetime', 'uuid', 'inet6' );
	private const BINARY_TYPES  = array( 'binary', 'varbinary' );
	private const WAIT_SECONDS  = 120;

	/**
	 * Takes over the connection.
	 *
	 * @param mysqli $connection of WordPress.
	 * @param string $prefix     of its tables.
	 */
	public function __construct( private readonly mysqli $connection, public readonly string $prefix ) {
	}

	/**
	 * Makes the connection one on which nothing is lost, and waits until no other run works on this database.
	 */
	public function prepare(): void {
		// Whatever the columns are in, nothing of it is missing from utf8mb4; the server converts.
		$this->connection->set_charset( 'utf8mb4' );
		// WordPress turns this off, after which a value that became too long would be cut off in silence.
		$this->execute( "SET SESSION sql_mode = 'STRICT_ALL_TABLES'" );
		$lock = $this->rows( "SELECT GET_LOCK(CONCAT(DATABASE(), '.rewrite'), " . self::WAIT_SECONDS . ') AS locked' );
		if ( '1' !== (string) $lock[0]['locked'] ) {
			throw new FrankenPanel_Refused( 'another rewrite of this site is running' );
		}
	}

	/**
	 * Returns the tables in the order of their names.
	 *
	 * @return FrankenPanel_Table[]
	 */
	public function tables(): array {
		$pattern = $this->quote( addcslashes( $this->prefix, '_%\\' ) . '%' );
		$found   = $this->rows(
			'SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()'
			. " AND TABLE_TYPE = 'BASE TABLE' AND TABLE_NAME LIKE $pattern"
		);
		$names   = array_column( $found, 'name' );
		sort( $names, SORT_STRING );
		if ( ! in_array( $this->prefix . 'options', $names, true ) ) {
			throw new FrankenPanel_Refused( 'the site is not set up' );
		}
		return array_map( $this->describe( ... ), $names );
	}

	/**
	 * Looks up key and columns of a table.
	 *
	 * @param string $name of the table.
	 */
	private function describe( string $name ): FrankenPanel_Table {
		$place   = 'WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ' . $this->quote( $name );
		$found   = $this->rows(
			'SELECT COLUMN_NAME AS name, DATA_TYPE AS type, EXTRA AS extra, IS_NULLABLE AS nullable'
			. " FROM information_schema.COLUMNS $place ORDER BY ORDINAL_POSITION"
		);
		$types   = array_column( $found, 'type', 'name' );
		$indexes = array();
		foreach (
			$this->rows(
				"SELECT INDEX_NAME AS name, COLUMN_NAME AS part FROM information_schema.STATISTICS $place"
				. " AND NON_UNIQUE = 0 ORDER BY INDEX_NAME <> 'PRIMARY', INDEX_NAME, SEQ_IN_INDEX"
			) as $part
		) {
			$indexes[ $part['name'] ][ $part['part'] ] = strtolower( $types[ $part['part'] ] ?? '' );
		}
		$nullable = array_filter( $found, static fn( array $column ) => 'YES' === $column['nullable'] );
		$key      = self::usable_key( $indexes, array_column( $nullable, 'name' ) );
		$columns  = array();
		foreach ( $found as $column ) {
			$is_text = in_array( strtolower( $column['type'] ), self::TEXT_TYPES, true );
			if ( $is_text && ! isset( $key[ $column['name'] ] ) && ! self::stays( $name, $column['name'], $column['extra'] ) ) {
				$columns[] = $column['name'];
			}
		}
		return new FrankenPanel_Table( $name, $key, $columns );
	}

	/**
	 * Returns the first index by which rows can be told apart and put in order.
	 *
	 * @param array<string, array<string, string>> $indexes  columns and their types, by index.
	 * @param string[]                             $nullable columns that may be without a value.
	 * @return array<string, string>
	 */
	private static function usable_key( array $indexes, array $nullable ): array {
		$known = array( ...self::NUMBER_TYPES, ...self::LITERAL_TYPES, ...self::BINARY_TYPES );
		foreach ( $indexes as $parts ) {
			if ( ! array_diff( $parts, $known ) && ! array_intersect( array_keys( $parts ), $nullable ) ) {
				return $parts;
			}
		}
		return array();
	}

	/**
	 * Says whether a column is left alone: what others remember a post by, passwords, and what the server computes.
	 *
	 * @param string $table  name of the table.
	 * @param string $column name of the column.
	 * @param string $extra  what the server says of it.
	 */
	private static function stays( string $table, string $column, string $extra ): bool {
		return ( 'guid' === $column && str_ends_with( $table, 'posts' ) )
			|| ( 'user_pass' === $column && str_ends_with( $table, 'users' ) )
			|| preg_match( '/VIRTUAL|STORED|PERSISTENT|GENERATED ALWAYS/i', $extra );
	}

	/**
	 * Returns what to select of the key: values that can be written down and compared with again.
	 *
	 * @param FrankenPanel_Table $table the table.
	 */
	public static function shown_key( FrankenPanel_Table $table ): string {
		$parts = array();
		foreach ( $table->key as $column => $type ) {
			$name    = self::name( $column );
			$parts[] = in_array( $type, self::BINARY_TYPES, true ) ? "HEX($name) AS $name" : $name;
		}
		return implode( ', ', $parts );
	}

	/**
	 * Returns the condition that finds one row.
	 *
	 * @param FrankenPanel_Table $table the table.
	 * @param string[]           $key   of the row.
	 */
	public function place( FrankenPanel_Table $table, array $key ): string {
		$conditions = array();
		foreach ( array_combine( array_keys( $table->key ), $key ) as $column => $value ) {
			$conditions[] = self::name( $column ) . ' = ' . $this->literal( $table->key[ $column ], $value );
		}
		return implode( ' AND ', $conditions );
	}

	/**
	 * Writes a part of a key.
	 *
	 * @param string $type  of its column.
	 * @param string $value as it was selected.
	 */
	public function literal( string $type, string $value ): string {
		if ( in_array( $type, self::NUMBER_TYPES, true ) ) {
			// As text it would be compared as a number with a fraction, in which large numbers are the same.
			return is_numeric( $value ) ? $value : $this->quote( $value );
		}
		return in_array( $type, self::BINARY_TYPES, true ) ? 'UNHEX(' . $this->quote( $value ) . ')' : $this->quote( $value );
	}

	/**
	 * Writes the name of a table or a column.
	 *
	 * @param string $name any.
	 */
	public static function name( string $name ): string {
		return '`' . str_replace( '`', '``', $name ) . '`';
	}

	/**
	 * Writes a text.
	 *
	 * @param string $text any.
	 */
	public function quote( string $text ): string {
		return "'" . $this->connection->real_escape_string( $text ) . "'";
	}

	/**
	 * Runs a query and returns its rows.
	 *
	 * @param string $statement complete.
	 * @return array<int, array<string, string|null>>
	 */
	public function rows( string $statement ): array {
		return $this->execute( $statement )->fetch_all( MYSQLI_ASSOC );
	}

	/**
	 * Runs a statement.
	 *
	 * @param string $statement complete.
	 */
	public function execute( string $statement ): mysqli_result|bool {
		$result = $this->connection->query( $statement );
		if ( false === $result ) {
			$number = $this->connection->errno;
			throw new FrankenPanel_Refused( "the database refused a statement (error $number)", $number );
		}
		return $result;
	}
}
