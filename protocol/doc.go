// Package protocol is what travels between a client and a node of an Apache Pegasus
// cluster: request and response frames, the names of calls and errors, the bodies that
// decide where a request goes and whether it may, stored keys and their hash.
//
// Encoding appends to a slice of the caller's and cannot fail. Decoding never trusts a
// peer: lengths are held against Limits before anything is allocated, what is wrong with
// a frame is a *FrameError and ends the stream, what is wrong with a body is a *BodyError
// and leaves the stream whole. Neither allocates in the steady state; what decoding
// returns aliases its input.
//
// Bodies beyond those here are generated from IDL: package protocol/idl.
package protocol
