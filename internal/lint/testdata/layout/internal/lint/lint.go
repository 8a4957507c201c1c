// Package lint is somewhere else.
package lint
