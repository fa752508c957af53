// Renders a chart by the packages of Helm's own engine, where Helm itself is not at hand: main CHART VALUES RELEASE.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func read(path string) map[string]any {
	text, err := os.ReadFile(path)
	check(err)
	var values map[string]any
	check(yaml.Unmarshal(text, &values))
	return values
}

// Maps are merged, as Helm does with values.
func merge(into, from map[string]any) map[string]any {
	for name, value := range from {
		below, isMap := value.(map[string]any)
		if before, wasMap := into[name].(map[string]any); isMap && wasMap {
			value = merge(before, below)
		}
		into[name] = value
	}
	return into
}

func main() {
	chart, release := os.Args[1], os.Args[3]
	about := read(filepath.Join(chart, "Chart.yaml"))
	root := map[string]any{
		"Values":  merge(read(filepath.Join(chart, "values.yaml")), read(os.Args[2])),
		"Release": map[string]any{"Name": release, "Namespace": "default", "Service": "Helm"},
		"Chart":   map[string]any{"Name": about["name"], "Version": about["version"], "AppVersion": about["appVersion"]},
	}
	templates := template.New("").Option("missingkey=zero")
	functions := sprig.TxtFuncMap()
	functions["include"] = func(name string, data any) (string, error) {
		var text bytes.Buffer
		err := templates.ExecuteTemplate(&text, name, data)
		return text.String(), err
	}
	functions["toYaml"] = func(value any) (string, error) {
		text, err := yaml.Marshal(value)
		return strings.TrimSuffix(string(text), "\n"), err
	}
	functions["fail"] = func(message string) (string, error) { return "", errors.New(message) }
	templates.Funcs(functions)
	paths, err := filepath.Glob(filepath.Join(chart, "templates", "*"))
	check(err)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		check(err)
		_, err = templates.New(filepath.Base(path)).Parse(string(text))
		check(err)
	}
	for _, path := range paths {
		if filepath.Ext(path) != ".yaml" {
			continue
		}
		fmt.Println("---")
		check(templates.ExecuteTemplate(os.Stdout, filepath.Base(path), root))
		fmt.Println()
	}
}
