<?php
/**
 * The same in every site: what differs comes from the file that the pod mounts.
 */

require '/run/frankenpanel/config/wp-config.php';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}

require_once ABSPATH . 'wp-settings.php';
