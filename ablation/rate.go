// Shares of seeds and their confidence intervals, in integers: the same digits everywhere.

package ablation

import (
	"fmt"
	"math/bits"
)

// Rate is a share in ten-thousandths. It encodes as a number of JSON.
type Rate int64

const rateUnit = 10_000

// String is the rate as a decimal number, 0 and 1 without a fraction.
func (r Rate) String() string {
	switch r {
	case 0:
		return "0"
	case rateUnit:
		return "1"
	}
	return fmt.Sprintf("%d.%04d", r/rateUnit, r%rateUnit)
}

// MarshalJSON implements json.Marshaler.
func (r Rate) MarshalJSON() ([]byte, error) { return []byte(r.String()), nil }

func rate(k, n int) Rate {
	if n == 0 {
		return 0
	}
	return Rate((int64(k)*rateUnit + int64(n)/2) / int64(n))
}

// wilson is the 95 % score interval of a share k of n (Wilson 1927), n up to MaxSeeds:
//
//	(2k + z^2 -+ z sqrt(z^2 + 4k(n-k)/n)) / 2(n + z^2), z = 1.96
//
// Of no seed it is everything.
func wilson(k, n int) [2]Rate {
	if n == 0 {
		return [2]Rate{0, rateUnit}
	}
	const z, z2 = 196, 38_416 // in hundredths, and its square in ten-thousandths
	root := 1 + int64(squareRoot(uint64((z2+4*rateUnit*int64(k)*int64(n-k)/int64(n))*rateUnit)))
	middle, spread := 2*int64(k)*rateUnit+z2, z*root/100
	whole := 2 * (int64(n)*rateUnit + z2)
	low, high := (middle-spread)*rateUnit/whole, ((middle+spread)*rateUnit+whole-1)/whole
	return [2]Rate{Rate(max(0, low)), Rate(min(rateUnit, high))}
}

// squareRoot is the largest integer whose square is at most x, by Newton's method.
func squareRoot(x uint64) uint64 {
	if x == 0 {
		return 0
	}
	root := uint64(1) << ((bits.Len64(x) + 1) / 2)
	for {
		next := (root + x/root) / 2
		if next >= root {
			return root
		}
		root = next
	}
}
