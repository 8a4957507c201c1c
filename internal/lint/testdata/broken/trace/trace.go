// Package trace does not compile, and is reported by name.
package trace

// Size is a number.
const Size int = "text" // want "compile: package trace does not compile, so no rule can judge it"
