<?php
/**
 * Rewrites addresses within one stored value, so that what reads the value can still read it.
 *
 * Only the host of an address is replaced, in its place. Whatever its text is wrapped in (JSON, the encoding of
 * addresses, HTML) writes a host as it is, so nothing around it changes. What PHP serialized is the exception,
 * for it notes the length of each text; there the notes are corrected, without ever making an object of it.
 *
 * @package FrankenPanel
 */

declare( strict_types=1 );

if ( 'cli' !== PHP_SAPI ) {
	http_response_code( 404 );
	exit;
}

/**
 * One value after the rewrite.
 */
final class FrankenPanel_Rewritten {
	/**
	 * Notes the outcome.
	 *
	 * @param string $text    the value as it should be.
	 * @param bool   $skipped whether a part of it names an old host and had to stay, because it is damaged or opaque.
	 */
	public function __construct( public readonly string $text, public readonly bool $skipped ) {
	}
}

/**
 * Something serialized cannot be followed to its end.
 */
final class FrankenPanel_Unreadable extends RuntimeException {
}

/**
 * Replaces some hosts by another one.
 */
final class FrankenPanel_Rewriter {
	/** How deep things may lie within each other; nobody means more. */
	private const MAX_DEPTH = 100;

	/** How ":" and "/" are written: plain, for JSON, in addresses within addresses, in HTML. */
	private const COLON = '(?:\\\\{0,7}:|%(?:25){0,3}3A|&#0*58;|&\#x0*3A;|&colon;)';
	private const SLASH = '(?:\\\\{0,7}\/|%(?:25){0,3}2F|&\#0*47;|&\#x0*2F;|&sol;|\\\\{1,7}u002F)';

	/** What may stand before an address without a scheme: nothing that makes it the path of another address. */
	private const NO_PATH = '(?:(?<![A-Za-z0-9:\/._~%\\\\-])|(?<=%3D|%22|%27|%28|%20|%2C|%5B|%3B|%3E))';

	/** A name and a password before another host, as in https://old.example@other.example. */
	private const USER = '(?:(?::|%3A)[^\s\/?\#"\'<>\\\\@&]{0,80})?(?:@|%(?:25){0,3}40|&\#0*64;|&commat;)';

	/** The rest of a longer name, as it is written within addresses and within JSON. */
	private const LONGER_ENCODED = '%(?:25){0,3}(?:2D|2E|5F|[89A-F][0-9A-F])'
		. '|\\\\{1,7}u(?:002[de]|005f|3002|ff0e|ff61|(?!00[0-9ab]|20|30[0-3]|ff0)[0-9a-f]{4})';

	/** What looks as if PHP had serialized it, even where its end is missing. */
	private const SERIALIZED = '/^\s*(?:[aO]:\+?\d+:[{"]|[sS]:\d+:"|C:\d+:"|E:\d+:")/';

	/** What PHP reads only where the class is known: an enumeration, or an object in a form of its own. */
	private const NEEDS_CLASS = '/(?:^|[;{])[CE]:\d+:"/';

	/** Something serialized in a text of JSON, where its quotes are escaped. */
	private const SERIALIZED_IN_JSON = '/s:\d+:\\\\+(?:"|u0022)/';

	/** @var string[] */
	private array $hosts;
	private string $to;
	private string $text_pattern;
	private string $bytes_pattern;
	private bool $skipped = false;

	/**
	 * Prepares the search.
	 *
	 * @param string[] $from the old hosts, in the form in which DNS knows them.
	 * @param string   $to   the new host.
	 */
	public function __construct( array $from, string $to ) {
		$this->to    = strtolower( $to );
		$this->hosts = array_values( array_unique( array_merge( ...array_map( self::spellings( ... ), $from ) ) ) );
		$names       = implode( '|', array_map( static fn( string $host ) => preg_quote( $host, '/' ), $this->hosts ) );
		$before      = '(?:(?:https?|wss?)' . self::COLON . self::SLASH . self::SLASH
			. '|' . self::NO_PATH . self::SLASH . self::SLASH . ')\K';
		$user        = '(?!' . self::USER . ')';
		$encoded     = self::LONGER_ENCODED;

		$this->text_pattern  = "/{$before}(?:{$names})(?![\\p{L}\\p{N}\\p{M}_-]|[.\\x{3002}\\x{FF0E}\\x{FF61}][\\p{L}\\p{N}_-]|{$encoded}){$user}/iu";
		$this->bytes_pattern = "/{$before}(?:{$names})(?![A-Za-z0-9_\\x80-\\xff-]|\\.[A-Za-z0-9_\\x80-\\xff-]|{$encoded}){$user}/i";
	}

	/**
	 * Returns the texts that a value has to contain, in lower case, to be of interest.
	 *
	 * @return string[]
	 */
	public function needles(): array {
		return $this->hosts;
	}

	/**
	 * Rewrites one value.
	 *
	 * @param string $value as it is stored.
	 */
	public function rewrite( string $value ): FrankenPanel_Rewritten {
		$this->skipped = false;
		$text          = $this->any( $value, 0 );
		return new FrankenPanel_Rewritten( $text, $this->skipped );
	}

	/**
	 * Rewrites a text of which nothing is known.
	 *
	 * @param string $text  any.
	 * @param int    $depth how many things it lies in.
	 */
	private function any( string $text, int $depth ): string {
		if ( ! $this->is_mentioned( $text ) ) {
			return $text;
		}
		if ( is_serialized( $text ) || preg_match( self::SERIALIZED, $text ) ) {
			return $this->serialized( $text, $depth );
		}
		if ( preg_match( self::SERIALIZED_IN_JSON, $text ) && is_array( json_decode( $text, true ) ) ) {
			return $this->json( $text, $depth );
		}
		return $this->plain( $text );
	}

	/**
	 * Rewrites addresses where no lengths are noted.
	 *
	 * @param string $text any.
	 */
	private function plain( string $text ): string {
		$pattern = preg_match( '//u', $text ) ? $this->text_pattern : $this->bytes_pattern;
		$changed = preg_replace( $pattern, $this->to, $text );
		if ( null === $changed ) {
			$this->skipped = true;
			return $text;
		}
		return $changed;
	}

	/**
	 * Rewrites JSON that holds something serialized; all else in it stays byte for byte.
	 *
	 * @param string $text  valid JSON.
	 * @param int    $depth how many things it lies in.
	 */
	private function json( string $text, int $depth ): string {
		$changed = preg_replace_callback(
			'/"(?:[^"\\\\]++|\\\\.)*+"/s',
			fn( array $match ) => $this->json_string( $match[0], $depth + 1 ),
			$text
		);
		if ( null === $changed || null === json_decode( $changed, true ) ) {
			return $this->left_alone( $text );
		}
		return $changed;
	}

	/**
	 * Rewrites one string of JSON.
	 *
	 * @param string $token with its quotes.
	 * @param int    $depth how many things it lies in.
	 */
	private function json_string( string $token, int $depth ): string {
		if ( ! preg_match( self::SERIALIZED_IN_JSON, $token ) ) {
			return $this->plain( $token );
		}
		$text = json_decode( $token );
		if ( ! is_string( $text ) || $depth > self::MAX_DEPTH ) {
			return $this->left_alone( $token );
		}
		$changed = $this->any( $text, $depth );
		if ( $changed === $text ) {
			return $token;
		}
		$flags  = str_contains( $token, '\\/' ) ? 0 : JSON_UNESCAPED_SLASHES;
		$flags |= preg_match( '/[\x80-\xff]/', $token ) ? JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_LINE_TERMINATORS : 0;
		$again  = json_encode( $changed, $flags );
		return false === $again ? $this->left_alone( $token ) : $again;
	}

	/**
	 * Rewrites something serialized, if it is whole before and after.
	 *
	 * @param string $text  as serialize() returns it, perhaps with white space around.
	 * @param int    $depth how many things it lies in.
	 */
	private function serialized( string $text, int $depth ): string {
		$before = $this->skipped;
		try {
			$position = strspn( $text, " \t\r\n" );
			$changed  = substr( $text, 0, $position ) . $this->item( $text, $position, $depth );
			$rest     = substr( $text, $position );
			// Some classes cannot even be read as mere data; then what was followed to its end has to do.
			$is_readable = self::can_be_read( $text ) ? self::can_be_read( $changed ) : preg_match( self::NEEDS_CLASS, $text );
			if ( '' !== trim( $rest ) || ! $is_readable ) {
				throw new FrankenPanel_Unreadable();
			}
			return $changed . $rest;
		} catch ( FrankenPanel_Unreadable ) {
			$this->skipped = $before;
			return $this->left_alone( $text );
		}
	}

	/**
	 * Rewrites one item and moves on to what follows it.
	 *
	 * @param string $text     the whole.
	 * @param int    $position where the item starts; afterwards, where the next one does.
	 * @param int    $depth    how many things it lies in.
	 */
	private function item( string $text, int &$position, int $depth ): string {
		if ( $depth > self::MAX_DEPTH ) {
			throw new FrankenPanel_Unreadable();
		}
		switch ( $text[ $position ] ?? '' ) {
			case 's':
				$content = $this->content( $text, $position );
				$content = $this->any( $content, $depth + 1 );
				return 's:' . strlen( $content ) . ':"' . $content . '"' . $this->take( $text, $position, '/\G;/' );
			case 'a':
				return $this->members( $text, $position, $depth, '/\Ga:\+?(\d+):\{/' );
			case 'O':
				return $this->members( $text, $position, $depth, '/\GO:\d+:"[^"]*":(\d+):\{/' );
			case 'C':
				return $this->opaque( $text, $position );
			default:
				return $this->take( $text, $position, '/\G(?:N|[bi]:[+-]?\d+|d:[0-9.eE+-]+|d:-?INF|d:NAN|[rR]:\d+|E:\d+:"[^"]*");/' );
		}
	}

	/**
	 * Rewrites the members of an array or an object; their names, by which programs find them, stay.
	 *
	 * @param string $text     the whole.
	 * @param int    $position as for item().
	 * @param int    $depth    how many things it lies in.
	 * @param string $head     pattern of what comes before the members, with their number.
	 */
	private function members( string $text, int &$position, int $depth, string $head ): string {
		$parts = array( $this->take( $text, $position, $head, $number ) );
		if ( $number > strlen( $text ) ) {
			throw new FrankenPanel_Unreadable();
		}
		for ( $left = $number; $left > 0; $left-- ) {
			$start = $position;
			if ( 's' === ( $text[ $position ] ?? '' ) ) {
				$this->content( $text, $position );
				$this->take( $text, $position, '/\G;/' );
			} else {
				$this->take( $text, $position, '/\Gi:[+-]?\d+;/' );
			}
			$parts[] = substr( $text, $start, $position - $start );
			$parts[] = $this->item( $text, $position, $depth + 1 );
		}
		$parts[] = $this->take( $text, $position, '/\G\}/' );
		return implode( '', $parts );
	}

	/**
	 * Copies an object that wrote itself in a form of its own.
	 *
	 * @param string $text     the whole.
	 * @param int    $position as for item().
	 */
	private function opaque( string $text, int &$position ): string {
		$head    = $this->take( $text, $position, '/\GC:\d+:"[^"]*":(\d+):\{/', $length );
		if ( $length > strlen( $text ) - $position ) {
			throw new FrankenPanel_Unreadable();
		}
		$content   = substr( $text, $position, $length );
		$position += $length;
		return $head . $this->left_alone( $content ) . $this->take( $text, $position, '/\G\}/' );
	}

	/**
	 * Returns the content of a string and moves behind its second quote.
	 *
	 * @param string $text     the whole.
	 * @param int    $position where the string starts.
	 */
	private function content( string $text, int &$position ): string {
		$this->take( $text, $position, '/\Gs:(\d+):"/', $length );
		if ( $length > strlen( $text ) - $position || '"' !== ( $text[ $position + $length ] ?? '' ) ) {
			throw new FrankenPanel_Unreadable();
		}
		$content   = substr( $text, $position, $length );
		$position += $length + 1;
		return $content;
	}

	/**
	 * Takes what a pattern describes, and moves behind it.
	 *
	 * @param string   $text     the whole.
	 * @param int      $position where it starts.
	 * @param string   $pattern  with \G.
	 * @param int|null $number   is set to the number that the pattern has in its brackets.
	 */
	private function take( string $text, int &$position, string $pattern, ?int &$number = null ): string {
		if ( ! preg_match( $pattern, $text, $match, 0, $position ) ) {
			throw new FrankenPanel_Unreadable();
		}
		$position += strlen( $match[0] );
		$number    = (int) ( $match[1] ?? 0 );
		return $match[0];
	}

	/**
	 * Notes a part that is not touched, if it names an old host, and returns it.
	 *
	 * @param string $text any.
	 */
	private function left_alone( string $text ): string {
		if ( $this->is_mentioned( $text ) && $this->plain( $text ) !== $text ) {
			$this->skipped = true;
		}
		return $text;
	}

	/**
	 * Says whether a text contains an old host, as whatever.
	 *
	 * @param string $text any.
	 */
	private function is_mentioned( string $text ): bool {
		foreach ( $this->hosts as $host ) {
			if ( false !== stripos( $text, $host ) ) {
				return true;
			}
		}
		return false;
	}

	/**
	 * Says whether PHP reads a serialized text; objects become nothing but data.
	 *
	 * @param string $text any.
	 */
	private static function can_be_read( string $text ): bool {
		$text = trim( $text );
		// phpcs:ignore WordPress.PHP.NoSilencedErrors.Discouraged -- what it says of damage is its return value.
		return 'b:0;' === $text || false !== @unserialize( $text, array( 'allowed_classes' => false ) );
	}

	/**
	 * Returns how a host may be written: as DNS has it, and in the letters of its own script.
	 *
	 * @param string $host as DNS has it.
	 * @return string[]
	 */
	private static function spellings( string $host ): array {
		$host  = strtolower( $host );
		$shown = str_contains( $host, 'xn--' ) && function_exists( 'idn_to_utf8' ) ? idn_to_utf8( $host ) : false;
		return is_string( $shown ) ? array( $host, $shown ) : array( $host );
	}
}
