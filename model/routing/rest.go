// Which actions may rest: with which constants no state need be able to take them, so that
// an exploration in which they never happen is complete all the same.

package routing

// mayRest says whether the action of a rule, for a meta where it is of one, may never
// happen. Where it says no, a way to it is known, and more of any budget leaves that open.
func (m *Model) mayRest(rule rule, of int) bool {
	switch rule {
	case ask:
		// Another than the configured ones is known when it has been the leader and a redirect
		// to it was followed, and is asked by itself when the table has become stale after that.
		stale := m.Moves > 0 && m.Nodes > 1 || m.Crashes > 0
		return of > m.Known && (m.Elections == 0 || !stale)
	case learn:
		// A meta is wrong after a crash, or where there are two others to choose from.
		others := m.Metas > 2 && (of > 1 || m.Splits > 0 || m.Elections > 1)
		return m.Crashes == 0 && !others
	case nextRound:
		// In vain is a round where the leader is down, where every query's timer fires early,
		// or where two metas send to each other, one of which led when the other was asked,
		// and the client notices.
		mutual := m.Elections > 0 && m.Known > 1 && !m.has(ForwardPingPong)
		return m.Crashes == 0 && m.Earlies < m.Known && !mutual
	}
	return false
}
