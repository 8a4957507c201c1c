// Warnings about peers: no more than a log can take, so that nobody who can connect can
// fill a disk.

package server

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// maxWarnings is how many lines a second are warnings; the others are for debugging only.
const maxWarnings = 10

// warnings counts them. For any goroutine.
type warnings struct {
	mu         sync.Mutex
	since      time.Time // when the second began
	said, left int       // in it
}

// next is the level of the next line, and how many before it were no warnings.
func (w *warnings) next(now time.Time) (level slog.Level, left int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now.Sub(w.since) >= time.Second {
		left = w.left
		w.since, w.said, w.left = now, 0, 0
	}
	if w.said == maxWarnings {
		w.left++
		return slog.LevelDebug, 0
	}
	w.said++
	return slog.LevelWarn, left
}

// warn logs what a peer has brought about.
func (s *Server) warn(text string, about ...any) {
	level, left := s.warnings.next(time.Now())
	if left > 0 {
		about = append(about, "warnings_left_out", left)
	}
	s.cfg.Logger.Log(context.Background(), level, text, about...)
}
