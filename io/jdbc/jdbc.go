// Package jdbc lets tables of other engines work that name their database by
// 'connector' = 'jdbc' and a URL of the JDBC drivers: jdbc:postgresql: is
// package postgres, jdbc:mysql: and jdbc:mariadb: are package mysql. Above the
// connectors it chooses from.
package jdbc

import (
	"strings"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/remote"
	"github.com/arrowstream/arrowstream/io/mysql"
	"github.com/arrowstream/arrowstream/io/postgres"
)

// Connector is the row of this package in the table of connectors.
var Connector = arrowstream.Connector{
	Name:    "jdbc",
	Aliases: []string{"jdbc2"},
	Source: func(t arrowstream.Table) (arrowstream.Source, error) {
		c, err := choose(t)
		if err != nil {
			return nil, err
		}
		return c.Source(t)
	},
	Sink: func(t arrowstream.Table) (arrowstream.Sink, error) {
		c, err := choose(t)
		if err != nil {
			return nil, err
		}
		return c.Sink(t)
	},
	Options: []any{postgres.Source{}, postgres.Sink{}, mysql.Source{}, mysql.Sink{}},
}

// choose finds the connector by the URL.
func choose(t arrowstream.Table) (arrowstream.Connector, error) {
	url := strings.TrimPrefix(strings.ToLower(t.Options["url"]), "jdbc:")
	switch scheme, _, _ := strings.Cut(url, ":"); scheme {
	case "postgresql", "postgres":
		return postgres.Connector, nil
	case "mysql", "mariadb":
		return mysql.Connector, nil
	}
	return arrowstream.Connector{}, remote.Kind("jdbc").BadOption("url names no database that can be reached", "write jdbc:postgresql://host/database, jdbc:mysql://host/database or jdbc:mariadb://host/database")
}
