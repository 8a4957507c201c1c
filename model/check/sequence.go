// What a step sends from whom to whom, for sequence diagrams.

package check

// Signal is one arrow of a step in a sequence diagram, or something that happens at one
// place. From and To are names of lanes; where they are equal nothing travels.
type Signal struct {
	From string `json:"from"`
	To   string `json:"to"`
	Text string `json:"text"`
	Lost bool   `json:"lost"` // it leaves From and never comes to To
}

// Sequencer is implemented by a model whose behaviours can be drawn as sequence diagrams.
type Sequencer[S any] interface {
	// Lanes returns who takes part, in the order in which they are drawn.
	Lanes() []string
	// Signals returns what the step does, in order; none where nothing is to be drawn.
	Signals(from S, action int, to S) []Signal
}

// wholeSystem is the one lane of a model that is no Sequencer.
const wholeSystem = "system"

func lanes[S any](model Model[S]) []string {
	if s, ok := model.(Sequencer[S]); ok {
		return s.Lanes()
	}
	return []string{wholeSystem}
}

// signals are the step's; of a model that is no Sequencer, the action in its one lane.
func signals[S any](model Model[S], actions []Action, from S, step Step[S]) []Signal {
	if s, ok := model.(Sequencer[S]); ok {
		return append([]Signal{}, s.Signals(from, step.Action, step.State)...)
	}
	return []Signal{{From: wholeSystem, To: wholeSystem, Text: actions[step.Action].Name}}
}
