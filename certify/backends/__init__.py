"""What can stand behind a component: each backend is a module with `create(ctx) -> System`."""
