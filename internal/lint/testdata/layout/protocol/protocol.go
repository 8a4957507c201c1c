// Package protocol is near the bottom.
package protocol
