// A run's callers written down: what they did by chance becomes a scenario's operations.

package sim

import (
	"context"
	"slices"
	"time"
)

// Scripted runs a scenario and returns it with every operation that its workloads did as a
// scripted one, and without workloads. Keys become the first key of their partition, so the
// run of the answer is a run of its own: whether it comes to the same is for the caller to
// find out. The end of ctx is an error.
func Scripted(ctx context.Context, s Scenario) (Scenario, error) {
	if err := s.Validate(); err != nil {
		return Scenario{}, err
	}
	r := newRun(&s, nil)
	r.scheduleFaults()
	if !r.play(ctx, nil) {
		return Scenario{}, ctx.Err()
	}
	out := s
	out.Workloads, out.Ops = nil, make([]Op, 0, len(r.ops.all))
	for _, op := range r.ops.all {
		out.Ops = append(out.Ops, Op{
			At: op.invoked.Sub(r.judge.epoch), Client: op.client + 1, RPC: op.rpc, Partition: op.partition,
			Timeout: op.deadline.Sub(op.invoked).Round(time.Millisecond),
		})
	}
	return out, out.Validate()
}

// Fit returns the scenario without what it has no place for: faults and clocks of nodes that
// it does not have, workloads and operations of clients; operations on partitions that it
// does not have move to others. Whoever leaves out nodes makes a scenario of the rest so.
func (s Scenario) Fit() Scenario {
	s.Faults = slices.DeleteFunc(slices.Clone(s.Faults), func(f Fault) bool { return s.validateFault(&f) != nil })
	s.Clocks = slices.DeleteFunc(slices.Clone(s.Clocks), func(c Clock) bool { return s.role(c.Node) == 0 })
	s.Workloads = slices.DeleteFunc(slices.Clone(s.Workloads), func(w Workload) bool { return w.Client > s.Clients })
	s.Ops = slices.DeleteFunc(slices.Clone(s.Ops), func(o Op) bool { return o.Client > s.Clients })
	for i := range s.Ops {
		s.Ops[i].Partition %= s.Partitions
	}
	return s
}
