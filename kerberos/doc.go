// Package kerberos is what the mechanism in sasl/gssapi leaves to a driver: files, the
// clock, locks and whatever waits. It decides nothing about a negotiation.
package kerberos
