package postgres_test

import (
	"context"
	"log"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/io/csv"
	"github.com/arrowstream/arrowstream/io/postgres"
)

// Rows of a file replace those of their key in a table, which is made if it is
// missing.
func Example() {
	p := arrowstream.New(arrowstream.Options{})
	p.From("orders", &csv.Source{Path: "orders.csv"}).To(&postgres.Sink{
		URL: "postgres://localhost:5432/shop?sslmode=require", User: "loader", Password: "env:DB_PASSWORD", Table: "orders", Key: []string{"id"},
	})
	if _, err := p.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
}
