package linearizability

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestOperationsInWords(t *testing.T) {
	for want, op := range map[string]Operation{
		`put("h", "s", "v"): ok`:      {Kind: Put, Value: "v", Outcome: OK},
		`put("h", "s", "v"): unknown`: {Kind: Put, Value: "v", Outcome: Unknown},
		`remove("h", "s"): ok`:        {Kind: Remove, Outcome: OK},
		`remove("h", "s"): unknown`:   {Kind: Remove, Outcome: Unknown},
		`get("h", "s"): absent`:       {Kind: Get, Outcome: OK},
		`get("h", "s"): "v"`:          {Kind: Get, Outcome: OK, Found: true, Result: "v"},
		`ttl("h", "s"): absent`:       {Kind: TTL, Outcome: OK},
		`ttl("h", "s"): -1 s`:         {Kind: TTL, Outcome: OK, Found: true, TTLSeconds: -1},
	} {
		op.HashKey, op.SortKey = "h", "s"
		assert.Equal(t, want, describe(&op))
	}
}

func TestStatesInWords(t *testing.T) {
	m := specification(0)
	assert.Equal(t, "absent", m.DescribeState(m.Init()))
	assert.Equal(t, `"v"`, m.DescribeState(&version{value: "v"}))
}
