<?php
// Rewrites values from standard input (JSON, each in base64) and tells what became of them.
define( 'ABSPATH', getcwd() . '/' );
define( 'WPINC', 'wp-includes' );
require ABSPATH . WPINC . '/functions.php';
require ABSPATH . 'rewrite-text.php';

$rewriter = new FrankenPanel_Rewriter( explode( ' ', $argv[1] ), $argv[2] );
$results  = array();
foreach ( json_decode( stream_get_contents( STDIN ) ) as $value ) {
	$result    = $rewriter->rewrite( base64_decode( $value ) );
	$results[] = array( base64_encode( $result->text ), $result->skipped );
}
echo json_encode( $results );
