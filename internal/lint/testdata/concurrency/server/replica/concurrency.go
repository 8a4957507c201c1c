// Package replica does more than one thing at a time.
package replica

type queue struct {
	in chan int // want "concurrency: a channel is used"
}

func run(q *queue, f func()) {
	go f()    // want "concurrency: a goroutine is started"
	q.in <- 1 // want "concurrency: a channel is used"
	<-q.in    // want "concurrency: a channel is used"
	select {} // want "concurrency: a channel is used"
}

func loop(q *queue) {
	for range q.in { // want "concurrency: a channel is used"
	}
	close(q.in) // want "concurrency: a channel is used"
}

func step(f func(int) int) int { return f(1) }
