//go:build !nophp

package main

// Tests of the web server's rules build it without PHP, which needs no libphp and no C compiler.
import _ "github.com/dunglas/frankenphp/caddy"
