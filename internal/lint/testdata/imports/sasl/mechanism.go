// Package sasl may use cryptography, which other cores may not.
package sasl

import (
	_ "crypto/hmac"
	_ "crypto/sha256"
)
