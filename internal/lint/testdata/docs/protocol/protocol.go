// This comment is about the file only, and no other file speaks for the package.

package protocol // want "doc: package protocol has no package comment"
