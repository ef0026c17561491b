// Verifies a log of ours with Go's own transparency log library (golang.org/x/mod/sumdb), which shares no code with us.
//
//	go run main.go [-bearer KEY] FOLDER-OR-URL VKEY...
//
// It opens the checkpoint with the keys given, builds the whole tree from the entries, compares its root with the checkpoint's, then reads
// hashes from the tiles (each checked against the root) and checks inclusion of leaves and consistency with earlier sizes. Prints JSON;
// exits with 1 and says why if anything does not hold.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height = 8
	width  = 1 << height
	// How many leaves and earlier sizes are proven; all of a small log.
	samples = 200
)

type source struct{ base, bearer string }

func (s source) read(path string) ([]byte, error) {
	if !strings.HasPrefix(s.base, "http://") && !strings.HasPrefix(s.base, "https://") {
		return os.ReadFile(filepath.Join(s.base, filepath.FromSlash(path)))
	}
	req, err := http.NewRequest("GET", s.base+"/"+path, nil)
	if err != nil {
		return nil, err
	}
	if s.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+s.bearer)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != 200 {
		return nil, fmt.Errorf("%s: %s", path, res.Status)
	}
	return io.ReadAll(res.Body)
}

// tlog's own paths name the height; those of C2SP tlog-tiles do not.
func tilePath(t tlog.Tile) string {
	return "tile/" + strings.TrimPrefix(t.Path(), fmt.Sprintf("tile/%d/", height))
}

func entriesPath(n int64, w int) string {
	path := tilePath(tlog.Tile{H: height, L: 0, N: n, W: w})
	return "tile/entries/" + strings.TrimPrefix(path, "tile/0/")
}

type tiles struct{ source }

func (t tiles) Height() int { return height }
func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var data [][]byte
	for _, tile := range wanted {
		bytes, err := t.read(tilePath(tile))
		if err != nil {
			return nil, err
		}
		data = append(data, bytes)
	}
	return data, nil
}
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

type hashes []tlog.Hash

func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var found []tlog.Hash
	for _, index := range indexes {
		if index >= int64(len(h)) {
			return nil, fmt.Errorf("no hash %d", index)
		}
		found = append(found, h[index])
	}
	return found, nil
}

type report struct {
	Origin      string `json:"origin"`
	Size        int64  `json:"size"`
	Root        string `json:"root"`
	Signatures  int    `json:"signatures"`
	Inclusion   int    `json:"inclusion"`
	Consistency int    `json:"consistency"`
}

func openCheckpoint(s source, vkeys []string) (report, tlog.Tree, error) {
	var known []note.Verifier
	for _, vkey := range vkeys {
		verifier, err := note.NewVerifier(vkey)
		if err != nil {
			return report{}, tlog.Tree{}, fmt.Errorf("%s: %w", vkey, err)
		}
		known = append(known, verifier)
	}
	text, err := s.read("checkpoint")
	if err != nil {
		return report{}, tlog.Tree{}, err
	}
	signed, err := note.Open(text, note.VerifierList(known...))
	if err != nil {
		return report{}, tlog.Tree{}, err
	}
	lines := strings.Split(signed.Text, "\n")
	if len(lines) < 4 {
		return report{}, tlog.Tree{}, errors.New("the checkpoint has too few lines")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return report{}, tlog.Tree{}, err
	}
	raw, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(raw) != tlog.HashSize {
		return report{}, tlog.Tree{}, errors.New("the checkpoint has no root")
	}
	tree := tlog.Tree{N: size}
	copy(tree.Hash[:], raw)
	return report{Origin: lines[0], Size: size, Root: lines[2], Signatures: len(signed.Sigs)}, tree, nil
}

func readEntries(s source, size int64) ([][]byte, error) {
	var entries [][]byte
	for n := int64(0); n*width < size; n++ {
		w := size - n*width
		if w > width {
			w = width
		}
		bundle, err := s.read(entriesPath(n, int(w)))
		if err != nil {
			return nil, err
		}
		for i := int64(0); i < w; i++ {
			if len(bundle) < 2 {
				return nil, fmt.Errorf("bundle %d is cut", n)
			}
			length := int(binary.BigEndian.Uint16(bundle))
			if len(bundle) < 2+length {
				return nil, fmt.Errorf("bundle %d is cut", n)
			}
			entries = append(entries, bundle[2:2+length])
			bundle = bundle[2+length:]
		}
		if len(bundle) != 0 {
			return nil, fmt.Errorf("bundle %d is too long", n)
		}
	}
	return entries, nil
}

func step(size int64) int64 {
	if size <= samples {
		return 1
	}
	return size / samples
}

func verify(s source, vkeys []string) (report, error) {
	said, tree, err := openCheckpoint(s, vkeys)
	if err != nil {
		return said, err
	}
	entries, err := readEntries(s, tree.N)
	if err != nil {
		return said, err
	}
	var own hashes
	for at, entry := range entries {
		more, err := tlog.StoredHashes(int64(at), entry, own)
		if err != nil {
			return said, err
		}
		own = append(own, more...)
	}
	root, err := tlog.TreeHash(tree.N, own)
	if err != nil {
		return said, err
	}
	if root != tree.Hash {
		return said, fmt.Errorf("the entries make the root %v, the checkpoint says %v", root, tree.Hash)
	}
	reader := tlog.TileHashReader(tree, tiles{s})
	for at := int64(0); at < tree.N; at += step(tree.N) {
		proof, err := tlog.ProveRecord(tree.N, at, reader)
		if err != nil {
			return said, fmt.Errorf("leaf %d: %w", at, err)
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, at, tlog.RecordHash(entries[at])); err != nil {
			return said, fmt.Errorf("leaf %d: %w", at, err)
		}
		said.Inclusion++
	}
	for old := int64(1); old <= tree.N; old += step(tree.N) {
		before, err := tlog.TreeHash(old, own)
		if err != nil {
			return said, err
		}
		proof, err := tlog.ProveTree(tree.N, old, reader)
		if err != nil {
			return said, fmt.Errorf("size %d: %w", old, err)
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, old, before); err != nil {
			return said, fmt.Errorf("size %d: %w", old, err)
		}
		said.Consistency++
	}
	return said, nil
}

func main() {
	bearer := flag.String("bearer", "", "an API key")
	flag.Parse()
	if flag.NArg() < 2 {
		fmt.Fprintln(os.Stderr, "want a folder or a URL, and one key at least")
		os.Exit(2)
	}
	said, err := verify(source{strings.TrimSuffix(flag.Arg(0), "/"), *bearer}, flag.Args()[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(said); err != nil {
		os.Exit(1)
	}
}
