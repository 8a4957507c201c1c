// The catalogue of specifications, for whoever runs them by name.

// Package model lists the specifications and runs them under the checker: which there
// are, what can be set and switched on, what was found. A specification itself is a
// package of its own below this one; package check explores it.
package model
