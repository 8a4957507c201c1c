// Package util is a name that says nothing.
package util // want "layout: package name util says nothing"
