// Steps as arrows of a sequence diagram: the transaction manager, the network that never
// loses a message, and each resource manager.

package twophase

import (
	"fmt"

	"github.com/a8011091/pegasus-reference/model/check"
)

const (
	laneTransaction = "transaction manager"
	laneNetwork     = "network"
)

func laneManager(rm int) string { return fmt.Sprintf("manager %d", rm+1) }

// Lanes returns who takes part.
func (m *Model) Lanes() []string {
	lanes := []string{laneTransaction, laneNetwork}
	for rm := range m.managers {
		lanes = append(lanes, laneManager(rm))
	}
	return lanes
}

// Signals returns what a step sends or takes in.
func (m *Model) Signals(_ State, action int, _ State) []check.Signal {
	switch action {
	case decidesCommit:
		return []check.Signal{{From: laneTransaction, To: laneNetwork, Text: "commit"}}
	case decidesAbort:
		return []check.Signal{{From: laneTransaction, To: laneNetwork, Text: "abort"}}
	}
	rm := (action - transactionActions) / managerActions
	manager := laneManager(rm)
	switch (action - transactionActions) % managerActions {
	case takesIn:
		return []check.Signal{{From: laneNetwork, To: laneTransaction, Text: fmt.Sprintf("%d is prepared", rm+1)}}
	case prepares:
		return []check.Signal{{From: manager, To: laneNetwork, Text: "prepared"}}
	case choosesToAbort:
		return []check.Signal{{From: manager, To: manager, Text: "aborts"}}
	case obeysCommit:
		return []check.Signal{{From: laneNetwork, To: manager, Text: "commit"}}
	}
	return []check.Signal{{From: laneNetwork, To: manager, Text: "abort"}}
}
