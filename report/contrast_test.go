// Text is told from its ground by brightness, which colour-blind readers see as others do.

package report

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// leastContrast is what WCAG 2.2 demands of text (success criterion 1.4.3, level AA).
const leastContrast = 4.5

// luminance is WCAG's relative luminance of a colour as #rrggbb.
func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	var sum float64
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		require.NoError(t, err)
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	bright, dark := luminance(t, a), luminance(t, b)
	return (max(bright, dark) + 0.05) / (min(bright, dark) + 0.05)
}

func TestContrast(t *testing.T) {
	var page strings.Builder
	require.NoError(t, NewCollector(0).WriteHTML(&page, Summary{Title: "empty", Verdict: "held"}))
	block := regexp.MustCompile(`(?s):root(\[data-theme="dark"\])? \{(.*?)\}`)
	colour := regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`)
	themes := block.FindAllStringSubmatch(page.String(), -1)
	require.Len(t, themes, 2, "light and dark")
	for _, theme := range themes {
		colours := map[string]string{}
		for _, c := range colour.FindAllStringSubmatch(theme[2], -1) {
			colours[c[1]] = c[2]
		}
		for _, name := range []string{"text", "faint", "accent", "bad", "good", "note", "focus"} {
			for _, ground := range []string{"ground", "panel", name + "-ground"} {
				if colours[ground] == "" {
					require.Contains(t, []string{"text-ground", "faint-ground", "focus-ground"}, ground)
					continue
				}
				require.GreaterOrEqual(t, contrast(t, colours[name], colours[ground]), leastContrast, "%s on %s, theme %q", name, ground, theme[1])
			}
		}
	}
}
