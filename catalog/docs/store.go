package docs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
)

// Check compares what is in a folder with what [Files] has rendered, and says what is not
// as it should be: one line a file, none if all is current. Files of others are left alone.
func Check(dir string, files map[string][]byte) ([]string, error) {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return []string{dir + " is not there"}, nil
	}
	if err != nil {
		return nil, err
	}
	defer root.Close()
	var found []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		switch got, err := root.ReadFile(name); {
		case errors.Is(err, fs.ErrNotExist):
			found = append(found, name+" is missing")
		case err != nil:
			return nil, err
		case !bytes.Equal(got, files[name]):
			found = append(found, name+" is not current")
		}
	}
	left, err := leftOver(root, files)
	for _, name := range left {
		found = append(found, name+" is of no error any more")
	}
	return found, err
}

// Write puts files into a folder, makes it where it is not there, and removes the pages of
// errors that are gone. It returns the names of what it has changed. It goes nowhere outside
// of the folder, whatever links there are in it.
func Write(dir string, files map[string][]byte) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	var changed []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if got, err := root.ReadFile(name); err == nil && bytes.Equal(got, files[name]) {
			continue
		}
		if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
			return changed, err
		}
		if err := root.WriteFile(name, files[name], 0o644); err != nil {
			return changed, err
		}
		changed = append(changed, name)
	}
	left, err := leftOver(root, files)
	if err != nil {
		return changed, err
	}
	for _, name := range left {
		if err := root.Remove(name); err != nil {
			return changed, err
		}
		for up := path.Dir(name); up != "." && root.Remove(up) == nil; up = path.Dir(up) { // while they are empty
			continue
		}
		changed = append(changed, name)
	}
	return changed, nil
}

// leftOver are pages that this package has written and would not write now. Where no page is
// to be written, there is nothing to say about them.
func leftOver(root *os.Root, files map[string][]byte) ([]string, error) {
	if _, ok := files["index.html"]; !ok {
		return nil, nil
	}
	var left []string
	err := fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.Count(name, "/") > 1: // no deeper than domain/REASON
			return fs.SkipDir
		case d.IsDir() || path.Base(name) != "index.html" || files[name] != nil:
			return nil
		}
		b, err := root.ReadFile(name)
		if err == nil && bytes.Contains(b[:min(len(b), 2048)], fmt.Appendf(nil, `<meta name="generator" content="%s">`, generator)) {
			left = append(left, name)
		}
		return err
	})
	return left, err
}
