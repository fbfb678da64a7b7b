"""What a person sees while a run goes on: state (pure), drawing (pure), and the views that show it."""
