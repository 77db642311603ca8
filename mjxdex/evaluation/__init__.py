"""Success of trained policies, golden rollouts, videos."""
