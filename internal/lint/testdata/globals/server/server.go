// Package server is a driver: its variables are its own business.
package server

var counter int

func count() { counter++ }
