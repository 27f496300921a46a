<?php
/**
 * Installs WordPress from the command line, without a click.
 *
 * Environment: SITE_TITLE, SITE_URL, ADMIN_USER, ADMIN_EMAIL, ADMIN_PASSWORD and, optionally, SITE_LOCALE.
 * Runs as often as one likes: an installed site is left as it is, a half installed one is finished.
 *
 * @package FrankenPanel
 */

declare( strict_types=1 );

// It lies beside the application and must do nothing for a visitor.
if ( 'cli' !== PHP_SAPI ) {
	http_response_code( 404 );
	exit;
}

const EXIT_USAGE = 64;

/**
 * Ends the program with a message for the log.
 *
 * @param string $message what is wrong.
 */
function frankenpanel_fail( string $message ): never {
	fwrite( STDERR, "install: $message\n" );
	exit( EXIT_USAGE );
}

/**
 * Takes the place of WordPress' page for errors.
 *
 * @param string|WP_Error $message what went wrong, as HTML.
 */
function frankenpanel_die( $message ): never {
	$html = $message instanceof WP_Error ? $message->get_error_message() : (string) $message;
	$text = html_entity_decode( strip_tags( $html ), ENT_QUOTES );
	fwrite( STDERR, 'install: ' . trim( preg_replace( '/\s+/', ' ', $text ) ) . "\n" );
	exit( 1 );
}

/**
 * Returns a variable that must be there.
 *
 * @param string $name of the variable.
 */
function frankenpanel_setting( string $name ): string {
	$value = getenv( $name );
	if ( false === $value || '' === $value ) {
		frankenpanel_fail( "the environment variable $name is missing" );
	}
	return $value;
}

/**
 * Tells WordPress at which address it is being installed; on the command line it would guess wrongly.
 *
 * @param string $url address of the site.
 */
function frankenpanel_pretend_request( string $url ): void {
	$parts = parse_url( $url );
	if ( ! is_array( $parts ) || empty( $parts['host'] ) || ! in_array( $parts['scheme'] ?? '', array( 'http', 'https' ), true ) ) {
		frankenpanel_fail( 'SITE_URL must be an http or https address' );
	}
	$_SERVER['HTTP_HOST']       = $parts['host'] . ( isset( $parts['port'] ) ? ':' . $parts['port'] : '' );
	$_SERVER['SERVER_NAME']     = $parts['host'];
	$_SERVER['SERVER_PROTOCOL'] = 'HTTP/1.1';
	$_SERVER['REQUEST_METHOD']  = 'GET';
	$_SERVER['REQUEST_URI']     = '/';
	$_SERVER['REMOTE_ADDR']     = '127.0.0.1';
	if ( 'https' === $parts['scheme'] ) {
		$_SERVER['HTTPS']                  = 'on';
		$_SERVER['HTTP_X_FORWARDED_PROTO'] = 'https';
	}
}

/**
 * Returns the locale that can be used, having fetched its translation if need be.
 *
 * @param string $locale that is wanted.
 */
function frankenpanel_usable_locale( string $locale ): string {
	if ( '' === $locale || 'en_US' === $locale || in_array( $locale, get_available_languages(), true ) ) {
		return $locale;
	}
	require_once ABSPATH . 'wp-admin/includes/file.php';
	require_once ABSPATH . 'wp-admin/includes/translation-install.php';
	$fetched = wp_download_language_pack( $locale );
	if ( false === $fetched ) {
		fwrite( STDERR, "install: no translation for $locale could be fetched, going on in English\n" );
		return 'en_US';
	}
	return $fetched;
}

/**
 * Creates tables, options, the administrator and the first content.
 *
 * @param string $locale of the site.
 */
function frankenpanel_create_site( string $locale ): void {
	// Nothing answers at the site's address yet, so WordPress must not ask itself whether permalinks work.
	$offline    = static fn() => new WP_Error( 'frankenpanel_offline', 'no request while installing' );
	$permalinks = static fn() => '/%postname%/';
	add_filter( 'pre_http_request', $offline );
	add_filter( 'pre_option_permalink_structure', $permalinks );
	wp_install(
		frankenpanel_setting( 'SITE_TITLE' ),
		frankenpanel_setting( 'ADMIN_USER' ),
		frankenpanel_setting( 'ADMIN_EMAIL' ),
		true,
		'',
		wp_slash( frankenpanel_setting( 'ADMIN_PASSWORD' ) ),
		'en_US' === $locale ? '' : $locale
	);
	remove_filter( 'pre_option_permalink_structure', $permalinks );
	remove_filter( 'pre_http_request', $offline );
}

/**
 * Sets what wp_install() leaves to a person, and notes that the site is complete.
 *
 * @param string $url address of the site.
 */
function frankenpanel_complete_site( string $url ): void {
	global $wp_rewrite;
	update_option( 'siteurl', $url );
	update_option( 'home', $url );
	$wp_rewrite->init();
	$wp_rewrite->set_permalink_structure( '/%postname%/' );
	$wp_rewrite->flush_rules( false );
	update_option( FRANKENPANEL_COMPLETE, gmdate( 'c' ), false );
}

/**
 * WordPress would mail the new address to the administrator; the panel tells it.
 */
function wp_new_blog_notification(): void {
}

/**
 * Waits until no other run works on this database; the lock goes with the connection.
 */
function frankenpanel_wait_for_others(): void {
	global $wpdb;
	$locked = $wpdb->get_var( "SELECT GET_LOCK(CONCAT(DATABASE(), '.install'), " . FRANKENPANEL_WAIT_SECONDS . ')' );
	if ( '1' !== $locked ) {
		frankenpanel_fail( 'another installation of this site is running' );
	}
	wp_cache_flush();
}

/**
 * Returns the ids of the administrators; there are none before the site is made, or made half.
 *
 * @return int[]
 */
function frankenpanel_administrators(): array {
	return array_map(
		'intval',
		get_users(
			array(
				'role'   => 'administrator',
				'fields' => 'ID',
			)
		)
	);
}

const FRANKENPANEL_WAIT_SECONDS = 120;
const FRANKENPANEL_COMPLETE = 'frankenpanel_installed';

/**
 * Returns a callback in the form in which WordPress takes those that are there before it loads.
 *
 * @param callable $callback without arguments.
 */
function frankenpanel_early_hook( callable $callback ): array {
	return array( 10 => array( array( 'function' => $callback, 'accepted_args' => 0 ) ) );
}

$wp_filter = array(
	// Left alone, WordPress shows a page for visitors and ends with code 0, for one when it finds no database.
	'wp_die_handler'   => frankenpanel_early_hook( static fn() => 'frankenpanel_die' ),
	// The tables may be missing altogether, which it would report at length.
	'muplugins_loaded' => frankenpanel_early_hook( static fn() => $GLOBALS['wpdb']->suppress_errors( true ) ),
);

$frankenpanel_url = rtrim( frankenpanel_setting( 'SITE_URL' ), '/' );
frankenpanel_pretend_request( $frankenpanel_url );

define( 'WP_INSTALLING', true );
// Without it, WordPress refuses to load while some of its tables lack others, as after a run that was killed.
define( 'WP_REPAIRING', true );
require_once __DIR__ . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
frankenpanel_wait_for_others();

$frankenpanel_complete = get_option( FRANKENPANEL_COMPLETE );
$frankenpanel_admins   = $frankenpanel_complete ? array() : frankenpanel_administrators();
$wpdb->suppress_errors( false );

if ( $frankenpanel_complete ) {
	echo "already installed\n";
	exit( 0 );
}
if ( array() === $frankenpanel_admins ) {
	frankenpanel_create_site( frankenpanel_usable_locale( (string) getenv( 'SITE_LOCALE' ) ) );
} elseif ( ! term_exists( 1 ) ) {
	// An earlier run ended between the administrator and the first content.
	wp_install_defaults( $frankenpanel_admins[0] );
}
frankenpanel_complete_site( $frankenpanel_url );
echo "installed\n";
