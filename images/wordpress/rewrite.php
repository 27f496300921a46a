<?php
/**
 * Rewrites the addresses in a site's content after it got another host, from the command line.
 *
 *   FROM_HOSTS=old.example TO_HOST=new.example REWRITE_ID=... php-cli rewrite.php [--dry-run]
 *
 * With --dry-run it changes nothing and counts. What was interrupted goes on where it was, by REWRITE_ID. The last
 * line, and the file TERMINATION_LOG, say {"values": N, "skipped": N}: values with an address that was (would be)
 * changed, and values in which one had to stay. No content is ever shown.
 *
 * @package FrankenPanel
 */

declare( strict_types=1 );

// It lies beside the application and must do nothing for a visitor.
if ( 'cli' !== PHP_SAPI ) {
	http_response_code( 404 );
	exit;
}

const FRANKENPANEL_EXIT_USAGE = 64;
const FRANKENPANEL_HOST       = '/^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/D';

/**
 * Ends the program with a message for the log.
 *
 * @param string $message what is wrong.
 * @param int    $code    exit code.
 */
function frankenpanel_fail( string $message, int $code = 1 ): never {
	fwrite( STDERR, "rewrite: $message\n" );
	exit( $code );
}

/**
 * Returns hosts from a variable.
 *
 * @param string $name of the variable.
 * @return string[]
 */
function frankenpanel_hosts( string $name ): array {
	$hosts = preg_split( '/\s+/', strtolower( (string) getenv( $name ) ), -1, PREG_SPLIT_NO_EMPTY );
	foreach ( $hosts as $host ) {
		if ( ! preg_match( FRANKENPANEL_HOST, $host ) ) {
			frankenpanel_fail( "$name must be host names", FRANKENPANEL_EXIT_USAGE );
		}
	}
	if ( ! $hosts ) {
		frankenpanel_fail( "the environment variable $name is missing", FRANKENPANEL_EXIT_USAGE );
	}
	return $hosts;
}

/**
 * Loads of WordPress what reads its configuration, connects and tells serialized text; no plugin, no theme.
 */
function frankenpanel_load_wordpress(): wpdb {
	global $wp_filter, $wpdb;
	$die = static fn() => static fn() => frankenpanel_fail( 'WordPress cannot reach its database' );
	// Left alone, it shows a page for visitors and ends with code 0.
	$wp_filter = array( 'wp_die_handler' => array( 10 => array( array( 'function' => $die, 'accepted_args' => 0 ) ) ) );
	define( 'SHORTINIT', true );
	require_once __DIR__ . '/wp-load.php';
	$wpdb->suppress_errors( true );
	if ( ! $wpdb->dbh instanceof mysqli || ! function_exists( 'is_serialized' ) ) {
		frankenpanel_fail( 'WordPress has no connection to a database' );
	}
	return $wpdb;
}

/**
 * Tells the result to whoever started the program.
 *
 * @param array{values: int, skipped: int} $counts the result.
 */
function frankenpanel_tell( array $counts ): void {
	$line = json_encode( $counts ) . "\n";
	echo $line;
	$file = getenv( 'TERMINATION_LOG' );
	$file = false === $file ? '/dev/termination-log' : $file;
	// Kubernetes makes it; outside of a pod there is nobody to read it.
	if ( is_writable( $file ) ) {
		file_put_contents( $file, $line );
	}
}

// The limit of the site's requests; how long a Job may take is the Job's own affair.
set_time_limit( 0 );

$frankenpanel_arguments = array_slice( $argv ?? $_SERVER['argv'] ?? array(), 1 );
// Nothing may be changed because an argument was misspelt, or got lost on its way.
if ( empty( $argv ?? $_SERVER['argv'] ?? array() ) || array_diff( $frankenpanel_arguments, array( '--dry-run' ) ) ) {
	frankenpanel_fail( 'usage: rewrite.php [--dry-run]', FRANKENPANEL_EXIT_USAGE );
}
$frankenpanel_is_dry = array() !== $frankenpanel_arguments;
$frankenpanel_to     = frankenpanel_hosts( 'TO_HOST' )[0];
$frankenpanel_from   = array_values( array_diff( frankenpanel_hosts( 'FROM_HOSTS' ), array( $frankenpanel_to ) ) );
$frankenpanel_id     = (string) getenv( 'REWRITE_ID' );

$frankenpanel_wpdb = frankenpanel_load_wordpress();
require_once __DIR__ . '/rewrite-tables.php';

try {
	$frankenpanel_tables = new FrankenPanel_Tables(
		new FrankenPanel_Database( $frankenpanel_wpdb->dbh, $frankenpanel_wpdb->base_prefix ),
		new FrankenPanel_Rewriter( $frankenpanel_from, $frankenpanel_to ),
		// Without an id nothing is taken up: each run is one of its own.
		$frankenpanel_is_dry ? null : ( '' === $frankenpanel_id ? bin2hex( random_bytes( 8 ) ) : $frankenpanel_id )
	);
	frankenpanel_tell( $frankenpanel_from ? $frankenpanel_tables->run() : array( 'values' => 0, 'skipped' => 0 ) );
} catch ( FrankenPanel_Refused $frankenpanel_refusal ) {
	frankenpanel_fail( $frankenpanel_refusal->getMessage() );
}
