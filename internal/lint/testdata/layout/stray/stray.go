// Package stray has no place.
package stray // want "layout: package stray has no line in the layout"
