// Package live lets a running server take up changed routes of its Caddyfile, and nothing else of it.
//
// A reload of Caddy starts PHP anew: requests wait until the slowest one is done, and the caches of compiled
// scripts are gone. It also makes new servers, and the old ones close their connections. None of it is needed
// where only routes change, so these are exchanged in place, between two requests.
package live

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
)

func init() {
	caddyconfig.RegisterAdapter("live", Adapter{})
}

// Adapter reads a Caddyfile, and puts one Routes handler in the place of each server's routes.
type Adapter struct{}

// servers are the servers of the http app, each with its fields as they came.
type servers map[string]map[string]json.RawMessage

// Adapt returns the configuration to start with; `caddy run` tells the name of the file.
func (Adapter) Adapt(body []byte, options map[string]any) ([]byte, []caddyconfig.Warning, error) {
	file, _ := options["filename"].(string)
	config, http, found, warnings, err := adapt(body, file)
	if err != nil {
		return nil, warnings, err
	}
	for name, server := range found {
		// Metrics are kept by the context that a handler was made in, which is another one after a change.
		if len(server["routes"]) == 0 || bytes.Contains(server["routes"], []byte(`"handler":"metrics"`)) {
			continue
		}
		handler := caddyconfig.JSONModuleObject(Routes{File: file, Server: name}, "handler", "live_routes", nil)
		server["routes"] = caddyconfig.JSON([]any{map[string]any{"handle": []any{handler}}}, nil)
	}
	http["servers"] = caddyconfig.JSON(found, nil)
	config.AppsRaw["http"] = caddyconfig.JSON(http, nil)
	return caddyconfig.JSON(config, nil), warnings, nil
}

// adapt returns a Caddyfile as a configuration, and of that the http app and its servers.
func adapt(body []byte, file string) (
	config caddy.Config, http map[string]json.RawMessage, found servers, warnings []caddyconfig.Warning, err error,
) {
	var text []byte
	options := map[string]any{"filename": file}
	if text, warnings, err = caddyconfig.GetAdapter("caddyfile").Adapt(body, options); err != nil {
		return config, http, found, warnings, err
	}
	if err = json.Unmarshal(text, &config); err == nil {
		if err = json.Unmarshal(config.AppsRaw["http"], &http); err == nil {
			err = json.Unmarshal(http["servers"], &found)
		}
	}
	if err != nil {
		err = fmt.Errorf("%s describes no server: %w", file, err)
	}
	return config, http, found, warnings, err
}
