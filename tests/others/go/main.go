// Command main asks golang.org/x/mod what it thinks of our log: questions as a JSON array on standard input,
// the answers in the same order on standard output.
//
// It judges nothing itself. What note and tlog say is handed on; an error of theirs is the answer "refused".
// It stops with an error only where a question could not be put.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8 // levels of the tree in a tile of C2SP tlog-tiles

type question struct {
	Ask     string      `json:"ask"`
	Key     string      `json:"key"`
	Note    string      `json:"note"`
	Folder  string      `json:"folder"`
	Size    int64       `json:"size"`
	Root    tlog.Hash   `json:"root"`
	Index   int64       `json:"index"`
	Leaf    []byte      `json:"leaf"`
	Old     int64       `json:"old"`
	OldRoot tlog.Hash   `json:"old_root"`
	Proof   []tlog.Hash `json:"proof"`
	Level   int         `json:"level"`
	Width   int         `json:"width"`
}

type answer struct {
	Refused string      `json:"refused,omitempty"`
	Text    string      `json:"text,omitempty"`
	Signed  []string    `json:"signed,omitempty"`
	Unknown []string    `json:"unknown,omitempty"`
	Root    []byte      `json:"root,omitempty"`
	Proof   []tlog.Hash `json:"proof,omitempty"`
}

var asked = map[string]func(question) (answer, error){
	"open note":    openNote,
	"tile path":    tilePath,
	"tree hash":    treeHash,
	"prove record": proveRecord,
	"check record": checkRecord,
	"prove tree":   proveTree,
	"check tree":   checkTree,
}

func main() {
	var questions []question
	if err := json.NewDecoder(os.Stdin).Decode(&questions); err != nil {
		log.Fatal(err)
	}
	answers := make([]answer, len(questions))
	for i, q := range questions {
		ask, known := asked[q.Ask]
		if !known {
			log.Fatalf("unknown question %q", q.Ask)
		}
		found, err := ask(q)
		if err != nil {
			found = answer{Refused: err.Error()}
		}
		answers[i] = found
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		log.Fatal(err)
	}
}

// openNote opens the note with the one key; the answer names whose lines hold and whose are unknown.
func openNote(q question) (answer, error) {
	verifier, err := note.NewVerifier(q.Key)
	if err != nil {
		return answer{}, err
	}
	opened, err := note.Open([]byte(q.Note), note.VerifierList(verifier))
	if err != nil {
		return answer{}, err
	}
	return answer{Text: opened.Text, Signed: names(opened.Sigs), Unknown: names(opened.UnverifiedSigs)}, nil
}

func names(signatures []note.Signature) []string {
	var all []string
	for _, one := range signatures {
		all = append(all, one.Name)
	}
	return all
}

// tilePath is the path of tile number Index of the level, and whether tlog reads it as that tile again.
func tilePath(q question) (answer, error) {
	tile := tlog.Tile{H: height, L: q.Level, N: q.Index, W: q.Width}
	again, err := tlog.ParseTilePath(tile.Path())
	if err == nil && again != tile {
		err = fmt.Errorf("%v is read as %v", tile, again)
	}
	return answer{Text: withoutHeight(tile)}, err
}

// withoutHeight is the tile's path in C2SP tlog-tiles, where every tile has the same height: tlog's
// tile/8/0/x001/067 is called tile/0/x001/067 there.
func withoutHeight(tile tlog.Tile) string {
	return "tile/" + strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", height))
}

// tiles is a folder with the tiles of a tree. tlog believes none that does not lead to the root.
type tiles string

func (folder tiles) Height() int { return height }

func (folder tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	all := make([][]byte, len(wanted))
	for i, tile := range wanted {
		data, err := os.ReadFile(filepath.Join(string(folder), withoutHeight(tile)))
		if err != nil {
			return nil, err
		}
		all[i] = data
	}
	return all, nil
}

func (folder tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func reader(q question) tlog.HashReader {
	return tlog.TileHashReader(tlog.Tree{N: q.Size, Hash: q.Root}, tiles(q.Folder))
}

func treeHash(q question) (answer, error) {
	root, err := tlog.TreeHash(q.Size, reader(q))
	return answer{Root: root[:]}, err
}

func proveRecord(q question) (answer, error) {
	proof, err := tlog.ProveRecord(q.Size, q.Index, reader(q))
	return answer{Proof: proof}, err
}

func checkRecord(q question) (answer, error) {
	return answer{}, tlog.CheckRecord(q.Proof, q.Size, q.Root, q.Index, tlog.RecordHash(q.Leaf))
}

func proveTree(q question) (answer, error) {
	proof, err := tlog.ProveTree(q.Size, q.Old, reader(q))
	return answer{Proof: proof}, err
}

func checkTree(q question) (answer, error) {
	return answer{}, tlog.CheckTree(q.Proof, q.Size, q.Root, q.Old, q.OldRoot)
}
