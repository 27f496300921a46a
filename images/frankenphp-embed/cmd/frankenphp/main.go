// Command frankenphp is Caddy with its standard modules, PHP, and what the rules of a Site need.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "frankenpanel.io/frankenphp/live"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
	_ "github.com/mholt/caddy-ratelimit"
)

func main() {
	caddycmd.Main()
}
