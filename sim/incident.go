// The incident table: upstream's rules and ours against three servers, one run a row,
// each row with the outcome that is expected of it. A row is never typed: its verdict,
// signature and times come from its run.

package sim

import (
	"context"
	"fmt"
	"time"
)

// Row is one run of the incident table and what is expected of it.
type Row struct {
	Scenario Scenario
	Verdict  Verdict
	Property string // expected, empty where the verdict is held
	// Signature is expected of an upstream client that cannot get back: an error and, after
	// @, the age of the connection at which it is told. Empty where none is.
	Signature string
}

// RowResult is a row's run.
type RowResult struct {
	Row
	Result
}

// AsExpected says whether the run came out as its row says, and if not, how.
func (r *RowResult) AsExpected() (bool, string) {
	switch {
	case r.Result.Verdict != r.Row.Verdict:
		return false, fmt.Sprintf("expected %s, got %s (%s)", r.Row.Verdict, r.Result.Verdict, r.Reason)
	case r.Row.Property != "" && *r.Result.Property != r.Row.Property:
		return false, fmt.Sprintf("expected a violation of %s, got one of %s", r.Row.Property, *r.Result.Property)
	case r.Row.Signature != "" && r.Result.Signature == nil:
		return false, fmt.Sprintf("expected the signature %s, which was not seen", r.Row.Signature)
	}
	return true, ""
}

// Seeds of the rows: any seed does for most; the second signature of upstream-snapshot
// needs callers that ask rarely (measured on the real client too), so it has its own.
const (
	incidentSeed     = 0x5eed
	sessionResetSeed = 0x35
)

// IncidentTable is the rows of the incident table in the order in which they are told.
func IncidentTable() []Row {
	var rows []Row
	for _, client := range ClientNames {
		if client == ClientUpstreamGo {
			continue // has no SASL: one row of its own
		}
		for _, server := range ServerNames {
			for _, auth := range AuthNames {
				rows = append(rows, incidentRow(client, server, auth))
			}
			if client == ClientUpstreamSnapshot && server == ServerHang {
				rows = append(rows, secondSignatureRow())
			}
		}
	}
	return append(rows, hpFieldsRow(), redialRow())
}

func incidentRow(client, server, auth string) Row {
	s := fullRestart(incidentSeed)
	s.Client = client
	s.Server, s.Auth = server, auth
	row := Row{Scenario: s, Verdict: VerdictHeld}
	unfixed := client == ClientUpstream250 || client == ClientUpstreamSnapshot
	if unfixed && server != ServerReference && auth == AuthMandatory {
		row.Verdict, row.Property, row.Signature = VerdictViolation, PropertyReconnectConverges, "ERR_TIMEOUT@10s"
		if server == ServerFIN {
			row.Signature = "ERR_SESSION_RESET"
		}
	}
	return row
}

func secondSignatureRow() Row {
	s := fullRestart(sessionResetSeed)
	s.Client = ClientUpstreamSnapshot
	s.Server = ServerHang
	return Row{Scenario: s, Verdict: VerdictViolation, Property: PropertyReconnectConverges, Signature: "ERR_SESSION_RESET@5s"}
}

// hpFieldsRow: what upstream-2.5.0 makes of servers that write the hp_ fields, whatever
// the restart does.
func hpFieldsRow() Row {
	s := fullRestart(incidentSeed)
	s.Client = ClientUpstream250
	s.Auth, s.HPFields = AuthOptional, true
	return Row{Scenario: s, Verdict: VerdictViolation, Property: PropertyRequestsDrain}
}

// redialRow: what upstream-go, which never dials twice within a minute, makes of a restart
// after which everybody else is back at once. What is asked meanwhile fails.
func redialRow() Row {
	s := fullRestart(incidentSeed)
	s.Client, s.Auth = ClientUpstreamGo, AuthOptional
	return Row{Scenario: s, Verdict: VerdictViolation, Property: PropertyRequestsDrain}
}

// RunIncident runs the table; each is called after its row. At the end of ctx the rows
// that have been run are returned.
func RunIncident(ctx context.Context, progress func(row, rows int, at, end time.Duration), each func(RowResult)) ([]RowResult, error) {
	rows := IncidentTable()
	var results []RowResult
	for i, row := range rows {
		opts := Options{Expect: row.Signature}
		if progress != nil {
			opts.Progress = func(at, end time.Duration) { progress(i, len(rows), at, end) }
		}
		result, err := Run(ctx, row.Scenario, opts)
		if err != nil {
			return results, fmt.Errorf("row %d of the incident table: %w", i+1, err)
		}
		if ctx.Err() != nil {
			return results, nil
		}
		results = append(results, RowResult{Row: row, Result: result})
		if each != nil {
			each(results[i])
		}
	}
	return results, nil
}
