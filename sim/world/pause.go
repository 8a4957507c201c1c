// A process that does not run for a while, as under SIGSTOP or on a machine that stands
// still: its host's kernel goes on. It completes handshakes, up to the backlog; it keeps
// what arrives, up to the receive buffer; it acknowledges the peer's FIN.

package world

import "github.com/a8011091/pegasus-reference/trace"

// Pause stops the host's process until Resume. Nothing happens without a process, or to
// one that is paused.
func (h *Host) Pause() {
	if h.proc == nil || h.proc.paused {
		return
	}
	h.proc.paused = true
	h.world.scratch = trace.Event{Kind: trace.KindFault, Note: "pause"}
	h.world.emit(h.name)
}

// Resume lets the process go on: timers that ran out fire in the order in which they did,
// and what the kernel has kept is there to be read.
func (h *Host) Resume() {
	p := h.proc
	if p == nil || !p.paused {
		return
	}
	p.paused = false
	w := h.world
	w.scratch = trace.Event{Kind: trace.KindFault, Note: "resume"}
	w.emit(h.name)
	for _, t := range p.held {
		w.queue.push(w.now, t)
	}
	p.held, p.waiting = p.held[:0], p.waiting[:0]
	for e := p.first; e != nil; e = e.after {
		w.readOn(e)
		w.wake(e)
	}
}

// Paused is whether a process is there and does not run.
func (h *Host) Paused() bool { return h.proc != nil && h.proc.paused }

// hold makes a task that happens when the process goes on.
func (p *process) hold(kind taskKind) *task {
	t := p.host.world.queue.newTask(kind)
	p.held = append(p.held, t)
	return t
}

// full is whether a listener's backlog takes no more: Linux lets one more wait than listen
// was given.
func (p *process) full() bool { return len(p.waiting) > p.host.world.config.Backlog }
