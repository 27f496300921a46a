package live

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
)

func init() {
	caddy.RegisterModule(Routes{})
}

// Routes answers with the routes that the Caddyfile has for a server, and reads them anew at SIGUSR2.
//
// Routes that cannot be read or used change nothing: those in force stay.
type Routes struct {
	// File is the Caddyfile.
	File string `json:"file"`
	// Server is the name that the Caddyfile adapter gives to the server.
	Server string `json:"server"`

	ctx     caddy.Context
	logger  *zap.Logger
	signals chan os.Signal
	state   *state
}

// state is apart from Routes, because Caddy copies modules by value.
type state struct {
	mutex   sync.RWMutex
	current *generation
}

// generation is one set of routes; release undoes their provisioning.
type generation struct {
	source  json.RawMessage
	handler caddyhttp.MiddlewareHandler
	release func()
	users   sync.WaitGroup
}

// CaddyModule returns the Caddy module information.
func (Routes) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.live_routes",
		New: func() caddy.Module { return new(Routes) },
	}
}

// Provision reads the routes for the first time, and listens for the signal from then on.
func (r *Routes) Provision(ctx caddy.Context) error {
	r.ctx, r.logger, r.state = ctx, ctx.Logger(), new(state)
	// Before the file is read, so that no change after that goes unnoticed.
	r.signals = make(chan os.Signal, 1)
	signal.Notify(r.signals, syscall.SIGUSR2)
	if err := r.load(); err != nil {
		return err
	}
	go r.follow()
	return nil
}

// Cleanup forgets the routes.
func (r *Routes) Cleanup() error {
	if r.signals != nil {
		signal.Stop(r.signals)
		close(r.signals)
	}
	if r.state != nil {
		r.exchange(nil)
	}
	return nil
}

// ServeHTTP serves a request from begin to end by the routes in force when it came.
func (r *Routes) ServeHTTP(w http.ResponseWriter, request *http.Request, next caddyhttp.Handler) error {
	r.state.mutex.RLock()
	routes := r.state.current
	if routes != nil {
		routes.users.Add(1)
	}
	r.state.mutex.RUnlock()
	if routes == nil {
		return caddyhttp.Error(http.StatusServiceUnavailable, nil)
	}
	defer routes.users.Done()
	return routes.handler.ServeHTTP(w, request, next)
}

func (r *Routes) follow() {
	for range r.signals {
		if err := r.load(); err != nil {
			r.logger.Error("changed routes are not in force", zap.String("file", r.File), zap.Error(err))
		}
	}
}

// load puts the routes that the file has now into force.
func (r *Routes) load() error {
	source, err := r.read()
	if err != nil {
		return err
	}
	if known := r.state.current; known != nil && bytes.Equal(known.source, source) {
		return nil
	}
	routes, err := r.provision(source)
	if err != nil {
		return err
	}
	r.exchange(routes)
	r.logger.Info("routes are in force", zap.String("server", r.Server))
	return nil
}

func (r *Routes) read() (json.RawMessage, error) {
	body, err := os.ReadFile(r.File)
	if err != nil {
		return nil, err
	}
	_, _, found, _, err := adapt(body, r.File)
	if err != nil {
		return nil, err
	}
	routes := found[r.Server]["routes"]
	if len(routes) == 0 {
		return nil, fmt.Errorf("%s has no routes for %s", r.File, r.Server)
	}
	return routes, nil
}

func (r *Routes) provision(source json.RawMessage) (*generation, error) {
	ctx, cancel := caddy.NewContext(r.ctx)
	subroute, err := json.Marshal(map[string]json.RawMessage{"routes": source})
	if err != nil {
		cancel()
		return nil, err
	}
	module, err := ctx.LoadModuleByID("http.handlers.subroute", subroute)
	if err != nil {
		cancel()
		return nil, err
	}
	return &generation{source: source, handler: module.(caddyhttp.MiddlewareHandler), release: cancel}, nil
}

// exchange lets new requests use the routes, and releases the former ones when their last request is served.
func (r *Routes) exchange(routes *generation) {
	r.state.mutex.Lock()
	former := r.state.current
	r.state.current = routes
	r.state.mutex.Unlock()
	if former == nil {
		return
	}
	go func() {
		former.users.Wait()
		former.release()
	}()
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Routes)(nil)
	_ caddy.CleanerUpper          = (*Routes)(nil)
	_ caddyhttp.MiddlewareHandler = (*Routes)(nil)
)
