// Go's archive/zip: from the central directory.
package main

import (
	"archive/zip"
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"os"
)

func tell(file *zip.File) error {
	body, err := file.Open()
	if err != nil {
		return err
	}
	digest := sha256.New()
	size, err := io.Copy(digest, body)
	if err == nil {
		fmt.Printf("%x %d %x\n", digest.Sum(nil), size, file.Name)
	}
	return err
}

func main() {
	archive, err := zip.OpenReader(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	for _, file := range archive.File {
		if err := tell(file); err != nil {
			log.Fatal(file.Name, ": ", err)
		}
	}
}
