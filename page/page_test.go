// A page is complete in itself, and what would break out of it is refused.

package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPageIsCompleteInItself(t *testing.T) {
	p := Page{
		Title: `a <title> & "more"`, Styles: []string{".x { color: red }"}, Scripts: []string{"void 0;"},
		Body: "<main></main>", Data: []Data{{ID: "data", JSON: []byte(`{"a":"\u003cb>"}`)}},
	}
	var out bytes.Buffer
	require.NoError(t, p.Write(&out))
	text := out.String()
	require.Contains(t, text, "<title>a &lt;title&gt; &amp; &#34;more&#34;</title>")
	require.Contains(t, text, `<script type="application/json" id="data">{"a":"\u003cb>"}</script>`)
	require.NotRegexp(t, `(?i)<(link|img|iframe|object|embed|base)\b|\bsrc=|@import|url\(`, text)
	require.NotContains(t, p.Policy(), "connect-src")

	// The policy allows what is in the document by its hash, and each hash is of something there.
	blocks := regexp.MustCompile(`(?s)<(style|script)>(.*?)</`).FindAllStringSubmatch(text, -1)
	require.Len(t, blocks, 4)
	for _, b := range blocks {
		sum := sha256.Sum256([]byte(b[2]))
		require.Contains(t, p.Policy(), base64.StdEncoding.EncodeToString(sum[:]))
	}
	require.Equal(t, len(blocks), strings.Count(p.Policy(), "'sha256-"))
}

func TestPageRefusesWhatBreaksOut(t *testing.T) {
	for name, p := range map[string]Page{
		"style":   {Styles: []string{"</STYLE><script>"}},
		"script":  {Scripts: []string{`"</Script>"`}},
		"comment": {Scripts: []string{`"<!-- "`}},
		"data":    {Data: []Data{{ID: "d", JSON: []byte(`"</script>"`)}}},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			require.ErrorIs(t, p.Write(&out), ErrUnsafe)
			require.Zero(t, out.Len())
		})
	}
}

func TestConnectingPage(t *testing.T) {
	require.Contains(t, (&Page{Connect: true}).Policy(), "connect-src 'self'")
}
