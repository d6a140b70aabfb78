package main

import "context"

func startStandIns(ctx context.Context, client *client, p *plane) error { return nil }
