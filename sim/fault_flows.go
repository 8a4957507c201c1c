// A firewall or address translator that forgets the flows between two nodes, and for a while
// those that are idle.

package sim

import (
	"github.com/a8011091/pegasus-reference/sim/world"
)

// path is two nodes, whichever first.
type path struct{ a, b string }

// forgetFlows begins such a fault. The latest says how long an idle flow is remembered.
func forgetFlows(then world.Forgotten) func(*run, *Fault, *world.Host) {
	return func(r *run, f *Fault, host *world.Host) {
		r.eachPeer(f, func(peer *world.Host) {
			r.firewalls[pathOf(host, peer)]++
			r.world.ForgetFlows(host, peer, then)
			r.world.RememberFlows(host, peer, f.By, then)
		})
	}
}

// rememberFlows ends it: unless another lasts, flows are remembered for ever. What was
// forgotten stays forgotten.
func (r *run) rememberFlows(f *Fault, host *world.Host) {
	r.eachPeer(f, func(peer *world.Host) {
		between := pathOf(host, peer)
		if r.firewalls[between]--; r.firewalls[between] == 0 {
			r.world.RememberFlows(host, peer, 0, world.ForgottenDropped)
		}
	})
}

func pathOf(a, b *world.Host) path {
	if a.Name() > b.Name() {
		a, b = b, a
	}
	return path{a.Name(), b.Name()}
}
