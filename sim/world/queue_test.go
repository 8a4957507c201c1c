// The heap: order, ties, cancellation, and what it costs.

package world

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/a8011091/pegasus-reference/protocol"
)

// TestQueueIsAStableSort compares the heap with a list that is searched for its least
// element, over random pushes, pops and cancellations.
func TestQueueIsAStableSort(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type planned struct {
			at   int64
			task *task
		}
		var q queue
		var plan []planned
		serial := protocol.TimerID(0)
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				serial++
				task := q.newTask(taskTimer)
				require.Equal(t, protocol.TimerID(0), task.timer, "a pooled task is empty")
				task.timer = serial
				at := rapid.Int64Range(0, 5).Draw(t, "at")
				q.push(at, task)
				plan = append(plan, planned{at, task})
			},
			"cancel": func(t *rapid.T) {
				if len(plan) == 0 {
					return
				}
				i := rapid.IntRange(0, len(plan)-1).Draw(t, "which")
				q.cancel(plan[i].task)
				plan = append(plan[:i], plan[i+1:]...)
			},
			"compact": func(*rapid.T) { q.compact() },
			"pop": func(t *rapid.T) {
				at, ok := q.peek()
				require.Equal(t, len(plan) > 0, ok)
				if !ok {
					return
				}
				least := 0
				for i := range plan {
					if plan[i].at < plan[least].at {
						least = i
					}
				}
				require.Equal(t, plan[least].at, at)
				got := q.pop()
				require.Same(t, plan[least].task, got)
				require.Equal(t, plan[least].task.timer, got.timer)
				plan = append(plan[:least], plan[least+1:]...)
				q.release(got)
			},
			"": func(t *rapid.T) { require.Len(t, q.entries, len(plan)+q.voids) },
		})
	})
}

// TestCanceledTasksDoNotPileUp arms and stops a timer that is far away, again and again.
func TestCanceledTasksDoNotPileUp(t *testing.T) {
	var q queue
	for i := range int64(1_000_000) {
		task := q.newTask(taskTimer)
		q.push(1<<60+i, task)
		q.cancel(task)
	}
	assert.LessOrEqual(t, len(q.entries), 2*compactAt)
}

func TestLargeBuffersAreNotPooled(t *testing.T) {
	var q queue
	small, large := q.newTask(taskData), q.newTask(taskData)
	small.data, large.data = make([]byte, maxPooled), make([]byte, maxPooled+1)
	q.release(small)
	assert.Equal(t, maxPooled, cap(q.newTask(taskData).data))
	q.release(large)
	assert.Zero(t, cap(q.newTask(taskData).data))
}

// BenchmarkQueue is one pop and one push with 1,000 tasks pending.
func BenchmarkQueue(b *testing.B) {
	var q queue
	random := rand.New(rand.NewPCG(1, 2))
	delays := make([]int64, 1<<12)
	for i := range delays {
		delays[i] = random.Int64N(1_000_000)
	}
	for i := range 1000 {
		q.push(delays[i], q.newTask(taskTimer))
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		at, _ := q.peek()
		q.release(q.pop())
		q.push(at+delays[i&(len(delays)-1)], q.newTask(taskTimer))
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
