package deadline

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestQueue holds the queue against a list that is searched.
func TestQueue(t *testing.T) {
	epoch := time.Unix(1_700_000_000, 0)
	rapid.Check(t, func(t *rapid.T) {
		var q Queue
		var list []entry
		order := uint64(0)
		has := func(item int32) int {
			return slices.IndexFunc(list, func(e entry) bool { return e.item == item })
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				item := rapid.Int32Range(0, 20).Draw(t, "item")
				if has(item) >= 0 {
					return
				}
				order++
				e := entry{item: item, order: order, when: epoch.Add(time.Duration(rapid.IntRange(0, 9).Draw(t, "when")))}
				list = append(list, e)
				q.Add(e.item, e.when, e.order)
			},
			"remove": func(t *rapid.T) {
				item := rapid.Int32Range(0, 20).Draw(t, "item")
				if i := has(item); i >= 0 {
					list = slices.Delete(list, i, i+1)
				}
				q.Remove(item)
			},
			"clone": func(t *rapid.T) {
				old := q
				q = old.Clone()
				old.Remove(0)
			},
			"": func(t *rapid.T) {
				require.Equal(t, len(list), q.Len())
				for item := range int32(21) {
					when, ok := q.When(item)
					i := has(item)
					require.Equal(t, i >= 0, ok)
					if ok {
						require.Equal(t, list[i].when, when)
					}
				}
				item, when, ok := q.First()
				require.Equal(t, len(list) > 0, ok)
				if ok {
					first := slices.MinFunc(list, func(a, b entry) int {
						if a.before(&b) {
							return -1
						}
						return 1
					})
					require.Equal(t, first.item, item)
					require.Equal(t, first.when, when)
				}
			},
		})
	})
}
