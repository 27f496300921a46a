<?php
/**
 * Takes every table of WordPress through the rewrite: row by row in the order of its key, so that the memory that is
 * needed does not grow with the site, and so that a run which was interrupted goes on where it was.
 *
 * @package FrankenPanel
 */

declare( strict_types=1 );

if ( 'cli' !== PHP_SAPI ) {
	http_response_code( 404 );
	exit;
}

require_once __DIR__ . '/rewrite-text.php';

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
 * Counts or rewrites addresses in all tables.
 */
final class FrankenPanel_Tables {
	public const PROGRESS_OPTION = 'frankenpanel_rewrite';

	private const TEXT_TYPES    = array( 'char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext', 'json' );
	private const NUMBER_TYPES  = array( 'tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'decimal', 'year' );
	private const LITERAL_TYPES = array( 'char', 'varchar', 'tinytext', 'text', 'date', 'datetime', 'uuid', 'inet6' );
	private const BINARY_TYPES  = array( 'binary', 'varbinary' );

	private const PAGE_ROWS       = 500;
	private const MAX_VALUE_BYTES = 4194304;
	private const MAX_ATTEMPTS    = 5;
	private const WAIT_SECONDS    = 120;

	/** What heals by trying again: the value is another one by now, a deadlock, a lock that took too long. */
	private const RETRIED_ERRORS = array( 1213, 1205 );

	/** What concerns a single value: too long, a duplicate, a constraint. */
	private const VALUE_ERRORS = array( 1062, 1264, 1265, 1366, 1406, 3819, 4025 );

	private int $values   = 0;
	private int $skipped  = 0;
	private string $table = '';
	/** @var string[]|null */
	private ?array $row = null;

	/**
	 * Prepares a run.
	 *
	 * @param mysqli                $database the connection of WordPress.
	 * @param string                $prefix   of the tables.
	 * @param FrankenPanel_Rewriter $rewriter what happens to each value.
	 * @param string|null           $id       of the run, under which it is taken up; null only counts.
	 */
	public function __construct(
		private readonly mysqli $database,
		private readonly string $prefix,
		private readonly FrankenPanel_Rewriter $rewriter,
		private readonly ?string $id
	) {
	}

	/**
	 * Goes through all tables and returns the counts.
	 *
	 * @return array{values: int, skipped: int}
	 */
	public function run(): array {
		$this->prepare_connection();
		$tables  = $this->tables();
		$is_done = null !== $this->id && $this->resume();
		foreach ( $is_done ? array() : $tables as $table ) {
			if ( strcmp( $table->name, $this->table ) < 0 ) {
				continue;
			}
			if ( $table->name !== $this->table ) {
				$this->table = $table->name;
				$this->row   = null;
			}
			$this->go_through( $table );
		}
		if ( ! $is_done ) {
			$this->save( true );
		}
		return array(
			'values'  => $this->values,
			'skipped' => $this->skipped,
		);
	}

	/**
	 * Makes the connection one on which nothing is lost, and waits until no other run works on this database.
	 */
	private function prepare_connection(): void {
		// Whatever the columns are in, nothing of it is missing from utf8mb4; the server converts.
		$this->database->set_charset( 'utf8mb4' );
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
	private function tables(): array {
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
	 * Goes through the rows of a table that mention an old host.
	 *
	 * @param FrankenPanel_Table $table the table.
	 */
	private function go_through( FrankenPanel_Table $table ): void {
		if ( ! $table->columns ) {
			return;
		}
		if ( ! $table->key ) {
			$this->count_without_key( $table );
			return;
		}
		$names = implode( ', ', array_map( self::name( ... ), array_keys( $table->key ) ) );
		do {
			$keys = $this->rows(
				'SELECT ' . self::shown_key( $table ) . ' FROM ' . self::name( $table->name )
				. ' WHERE (' . $this->mentioned( $table->columns ) . ')' . $this->after( $table )
				. " ORDER BY $names LIMIT " . self::PAGE_ROWS
			);
			foreach ( $keys as $key ) {
				$this->one_row( $table, array_map( strval( ... ), array_values( $key ) ) );
			}
			$this->save( false );
		} while ( count( $keys ) === self::PAGE_ROWS );
	}

	/**
	 * Counts the values of a table whose rows cannot be told apart; they stay.
	 *
	 * @param FrankenPanel_Table $table the table.
	 */
	private function count_without_key( FrankenPanel_Table $table ): void {
		foreach ( $table->columns as $column ) {
			$found = $this->rows(
				'SELECT COUNT(*) AS number FROM ' . self::name( $table->name ) . ' WHERE ' . $this->mentioned( array( $column ) )
			);
			if ( $found[0]['number'] > 0 ) {
				$this->skipped += (int) $found[0]['number'];
				fwrite( STDERR, "rewrite: left alone: {$table->name}.$column, a table without a primary key\n" );
			}
		}
	}

	/**
	 * Rewrites the values of one row, all or, where the database refuses one, the others.
	 *
	 * @param FrankenPanel_Table $table the table.
	 * @param string[]           $key   of the row.
	 */
	private function one_row( FrankenPanel_Table $table, array $key ): void {
		for ( $attempt = 1; ; $attempt++ ) {
			$before = array( $this->values, $this->skipped, $this->row );
			try {
				$this->row = $key;
				null === $this->id || $this->execute( 'START TRANSACTION' );
				if ( $this->columns_of_row( $table, $key ) ) {
					$this->save( false );
				}
				null === $this->id || $this->execute( 'COMMIT' );
				return;
			} catch ( FrankenPanel_Refused $refusal ) {
				list( $this->values, $this->skipped, $this->row ) = $before;
				null === $this->id || $this->execute( 'ROLLBACK' );
				if ( $attempt === self::MAX_ATTEMPTS || ! in_array( $refusal->getCode(), self::RETRIED_ERRORS, true ) ) {
					throw $refusal;
				}
			}
		}
	}

	/**
	 * Rewrites the values of one row, and says whether one of them is another one now.
	 *
	 * @param FrankenPanel_Table $table the table.
	 * @param string[]           $key   of the row.
	 */
	private function columns_of_row( FrankenPanel_Table $table, array $key ): bool {
		$place    = $this->place( $table, $key );
		$is_other = false;
		foreach ( $this->values_of_row( $table, $place ) as $column => $value ) {
			if ( '' === $value ) {
				continue;
			}
			$result = null === $value ? new FrankenPanel_Rewritten( '', true ) : $this->rewriter->rewrite( $value );
			if ( null !== $value && $result->text !== $value ) {
				if ( null !== $this->id && ! $this->write( $table, $column, $place, $result->text ) ) {
					$this->skip( $table, $column, $key );
					continue;
				}
				++$this->values;
				$is_other = null !== $this->id;
			}
			if ( $result->skipped ) {
				$this->skip( $table, $column, $key );
			}
		}
		return $is_other;
	}

	/**
	 * Returns the values of a row: empty without an old host in them, null where they are too long to be worked on.
	 *
	 * @param FrankenPanel_Table $table the table.
	 * @param string             $place condition that finds the row.
	 * @return array<string, string|null>
	 */
	private function values_of_row( FrankenPanel_Table $table, string $place ): array {
		$parts = array();
		foreach ( $table->columns as $number => $column ) {
			$name      = self::name( $column );
			$mentioned = '(' . $this->mentioned( array( $column ) ) . ')';
			$parts[]   = "CASE WHEN $mentioned AND LENGTH($name) > " . self::MAX_VALUE_BYTES . " THEN NULL WHEN $mentioned THEN $name ELSE '' END AS v$number";
		}
		// Until the new values are written the row is locked, so that no visitor's change in between is lost.
		$lock  = null === $this->id ? '' : ' FOR UPDATE';
		$found = $this->rows( 'SELECT ' . implode( ', ', $parts ) . ' FROM ' . self::name( $table->name ) . " WHERE $place$lock" );
		return $found ? array_combine( $table->columns, array_values( $found[0] ) ) : array();
	}

	/**
	 * Writes one value, and says whether the database took it.
	 *
	 * @param FrankenPanel_Table $table  the table.
	 * @param string             $column its column.
	 * @param string             $place  condition that finds the row.
	 * @param string             $value  the new value.
	 */
	private function write( FrankenPanel_Table $table, string $column, string $place, string $value ): bool {
		try {
			$this->execute(
				'UPDATE ' . self::name( $table->name ) . ' SET ' . self::name( $column ) . ' = ' . $this->quote( $value ) . " WHERE $place"
			);
		} catch ( FrankenPanel_Refused $refusal ) {
			if ( in_array( $refusal->getCode(), self::VALUE_ERRORS, true ) ) {
				return false;
			}
			throw $refusal;
		}
		return true;
	}

	/**
	 * Counts a value in which an old host has to stay, and says where it is.
	 *
	 * @param FrankenPanel_Table $table  the table.
	 * @param string             $column its column.
	 * @param string[]           $key    of the row; told only where it is made of numbers.
	 */
	private function skip( FrankenPanel_Table $table, string $column, array $key ): void {
		++$this->skipped;
		$row = array_filter( $key, ctype_digit( ... ) ) === $key ? implode( ', ', $key ) : 'one row';
		fwrite( STDERR, "rewrite: left alone: {$table->name}.$column of $row\n" );
	}

	/**
	 * Notes how far a run is, in the transaction of what it did.
	 *
	 * @param bool $is_done whether it has come to its end.
	 */
	private function save( bool $is_done ): void {
		if ( null === $this->id ) {
			return;
		}
		$state = json_encode(
			array(
				'id'      => $this->id,
				'table'   => $this->table,
				'row'     => $this->row,
				'values'  => $this->values,
				'skipped' => $this->skipped,
				'done'    => $is_done,
			),
			JSON_THROW_ON_ERROR
		);
		$this->execute(
			'UPDATE ' . self::name( $this->prefix . 'options' ) . ' SET option_value = ' . $this->quote( $state )
			. ' WHERE option_name = ' . $this->quote( self::PROGRESS_OPTION )
		);
	}

	/**
	 * Takes up what an earlier attempt at this run noted, and says whether it had come to its end.
	 */
	private function resume(): bool {
		$options = self::name( $this->prefix . 'options' );
		$option  = $this->quote( self::PROGRESS_OPTION );
		$this->execute( "INSERT IGNORE INTO $options (option_name, option_value, autoload) VALUES ($option, '', 'no')" );
		$found = $this->rows( "SELECT option_value AS state FROM $options WHERE option_name = $option" );
		$state = $found ? json_decode( $found[0]['state'], true ) : null;
		if ( ! is_array( $state ) || ( $state['id'] ?? '' ) !== $this->id ) {
			return false;
		}
		$this->table   = (string) $state['table'];
		$this->row     = $state['row'];
		$this->values  = (int) $state['values'];
		$this->skipped = (int) $state['skipped'];
		return (bool) $state['done'];
	}

	/**
	 * Returns the condition that finds rows in which an old host is mentioned.
	 *
	 * @param string[] $columns of which at least one mentions it.
	 */
	private function mentioned( array $columns ): string {
		$conditions = array();
		foreach ( $columns as $column ) {
			foreach ( $this->rewriter->needles() as $needle ) {
				// Whatever the column's own collation is, upper and lower case are the same here.
				$conditions[] = 'CONVERT(' . self::name( $column ) . ' USING utf8mb4) LIKE _utf8mb4'
					. $this->quote( '%' . addcslashes( $needle, '_%\\' ) . '%' ) . ' COLLATE utf8mb4_general_ci';
			}
		}
		return implode( ' OR ', $conditions );
	}

	/**
	 * Returns the condition that leaves out the rows up to the last one, and our own.
	 *
	 * @param FrankenPanel_Table $table the table.
	 */
	private function after( FrankenPanel_Table $table ): string {
		$own = $this->prefix . 'options' === $table->name ? ' AND option_name <> ' . $this->quote( self::PROGRESS_OPTION ) : '';
		if ( null === $this->row ) {
			return $own;
		}
		$choices = array();
		$equal   = '';
		foreach ( array_combine( array_keys( $table->key ), $this->row ) as $column => $value ) {
			$name      = self::name( $column );
			$literal   = $this->literal( $table->key[ $column ], $value );
			$choices[] = "($equal$name > $literal)";
			$equal    .= "$name = $literal AND ";
		}
		return "$own AND (" . implode( ' OR ', $choices ) . ')';
	}

	/**
	 * Returns the condition that finds one row.
	 *
	 * @param FrankenPanel_Table $table the table.
	 * @param string[]           $key   of the row.
	 */
	private function place( FrankenPanel_Table $table, array $key ): string {
		$conditions = array();
		foreach ( array_combine( array_keys( $table->key ), $key ) as $column => $value ) {
			$conditions[] = self::name( $column ) . ' = ' . $this->literal( $table->key[ $column ], $value );
		}
		return implode( ' AND ', $conditions );
	}

	/**
	 * Returns what to select of the key: values that can be written down and compared with again.
	 *
	 * @param FrankenPanel_Table $table the table.
	 */
	private static function shown_key( FrankenPanel_Table $table ): string {
		$parts = array();
		foreach ( $table->key as $column => $type ) {
			$name    = self::name( $column );
			$parts[] = in_array( $type, self::BINARY_TYPES, true ) ? "HEX($name) AS $name" : $name;
		}
		return implode( ', ', $parts );
	}

	/**
	 * Writes a part of a key.
	 *
	 * @param string $type  of its column.
	 * @param string $value as it was selected.
	 */
	private function literal( string $type, string $value ): string {
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
	private static function name( string $name ): string {
		return '`' . str_replace( '`', '``', $name ) . '`';
	}

	/**
	 * Writes a text.
	 *
	 * @param string $text any.
	 */
	private function quote( string $text ): string {
		return "'" . $this->database->real_escape_string( $text ) . "'";
	}

	/**
	 * Runs a query and returns its rows.
	 *
	 * @param string $statement complete.
	 * @return array<int, array<string, string|null>>
	 */
	private function rows( string $statement ): array {
		return $this->execute( $statement )->fetch_all( MYSQLI_ASSOC );
	}

	/**
	 * Runs a statement.
	 *
	 * @param string $statement complete.
	 */
	private function execute( string $statement ): mysqli_result|bool {
		$result = $this->database->query( $statement );
		if ( false === $result ) {
			$number = $this->database->errno;
			throw new FrankenPanel_Refused( "the database refused a statement (error $number)", $number );
		}
		return $result;
	}
}
