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

require_once __DIR__ . '/rewrite-database.php';
require_once __DIR__ . '/rewrite-text.php';

/**
 * Counts or rewrites addresses in all tables.
 */
final class FrankenPanel_Tables {
	public const PROGRESS_OPTION = 'frankenpanel_rewrite';

	private const PAGE_ROWS       = 500;
	private const MAX_VALUE_BYTES = 4194304;
	private const MAX_ATTEMPTS    = 5;

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
	 * @param FrankenPanel_Database $database of the site.
	 * @param FrankenPanel_Rewriter $rewriter what happens to each value.
	 * @param string|null           $id       of the run, under which it is taken up; null only counts.
	 */
	public function __construct(
		private readonly FrankenPanel_Database $database,
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
		$this->database->prepare();
		$tables  = $this->database->tables();
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
		$names = implode( ', ', array_map( FrankenPanel_Database::name( ... ), array_keys( $table->key ) ) );
		do {
			$keys = $this->database->rows(
				'SELECT ' . FrankenPanel_Database::shown_key( $table ) . ' FROM ' . FrankenPanel_Database::name( $table->name )
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
			$found = $this->database->rows(
				'SELECT COUNT(*) AS number FROM ' . FrankenPanel_Database::name( $table->name ) . ' WHERE ' . $this->mentioned( array( $column ) )
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
				null === $this->id || $this->database->execute( 'START TRANSACTION' );
				if ( $this->columns_of_row( $table, $key ) ) {
					$this->save( false );
				}
				null === $this->id || $this->database->execute( 'COMMIT' );
				return;
			} catch ( FrankenPanel_Refused $refusal ) {
				list( $this->values, $this->skipped, $this->row ) = $before;
				null === $this->id || $this->database->execute( 'ROLLBACK' );
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
		$place    = $this->database->place( $table, $key );
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
			$name      = FrankenPanel_Database::name( $column );
			$mentioned = '(' . $this->mentioned( array( $column ) ) . ')';
			$parts[]   = "CASE WHEN $mentioned AND LENGTH($name) > " . self::MAX_VALUE_BYTES . " THEN NULL WHEN $mentioned THEN $name ELSE '' END AS v$number";
		}
		// Until the new values are written the row is locked, so that no visitor's change in between is lost.
		$lock  = null === $this->id ? '' : ' FOR UPDATE';
		$found = $this->database->rows( 'SELECT ' . implode( ', ', $parts ) . ' FROM ' . FrankenPanel_Database::name( $table->name ) . " WHERE $place$lock" );
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
			$this->database->execute(
				'UPDATE ' . FrankenPanel_Database::name( $table->name ) . ' SET ' . FrankenPanel_Database::name( $column ) . ' = ' . $this->database->quote( $value ) . " WHERE $place"
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
		$this->database->execute(
			'UPDATE ' . FrankenPanel_Database::name( $this->database->prefix . 'options' ) . ' SET option_value = ' . $this->database->quote( $state )
			. ' WHERE option_name = ' . $this->database->quote( self::PROGRESS_OPTION )
		);
	}

	/**
	 * Takes up what an earlier attempt at this run noted, and says whether it had come to its end.
	 */
	private function resume(): bool {
		$options = FrankenPanel_Database::name( $this->database->prefix . 'options' );
		$option  = $this->database->quote( self::PROGRESS_OPTION );
		$this->database->execute( "INSERT IGNORE INTO $options (option_name, option_value, autoload) VALUES ($option, '', 'no')" );
		$found = $this->database->rows( "SELECT option_value AS state FROM $options WHERE option_name = $option" );
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
				$conditions[] = 'CONVERT(' . FrankenPanel_Database::name( $column ) . ' USING utf8mb4) LIKE _utf8mb4'
					. $this->database->quote( '%' . addcslashes( $needle, '_%\\' ) . '%' ) . ' COLLATE utf8mb4_general_ci';
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
		$own = $this->database->prefix . 'options' === $table->name ? ' AND option_name <> ' . $this->database->quote( self::PROGRESS_OPTION ) : '';
		if ( null === $this->row ) {
			return $own;
		}
		$choices = array();
		$equal   = '';
		foreach ( array_combine( array_keys( $table->key ), $this->row ) as $column => $value ) {
			$name      = FrankenPanel_Database::name( $column );
			$literal   = $this->database->literal( $table->key[ $column ], $value );
			$choices[] = "($equal$name > $literal)";
			$equal    .= "$name = $literal AND ";
		}
		return "$own AND (" . implode( ' OR ', $choices ) . ')';
	}

}
