// Package all is the one list of connectors and formats: what SQL and the
// command line know. Adding a connector is a folder in io/ and a line here.
package all

import (
	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/io/blackhole"
	"github.com/arrowstream/arrowstream/io/console"
	"github.com/arrowstream/arrowstream/io/csv"
	"github.com/arrowstream/arrowstream/io/flight"
	"github.com/arrowstream/arrowstream/io/generator"
	"github.com/arrowstream/arrowstream/io/http"
	"github.com/arrowstream/arrowstream/io/ipc"
	"github.com/arrowstream/arrowstream/io/jdbc"
	"github.com/arrowstream/arrowstream/io/json"
	"github.com/arrowstream/arrowstream/io/kafka"
	"github.com/arrowstream/arrowstream/io/libsvm"
	"github.com/arrowstream/arrowstream/io/mysql"
	"github.com/arrowstream/arrowstream/io/parquet"
	"github.com/arrowstream/arrowstream/io/postgres"
	"github.com/arrowstream/arrowstream/io/socket"
)

// Connectors returns every connector.
func Connectors() []arrowstream.Connector {
	return []arrowstream.Connector{
		blackhole.Connector,
		console.Connector,
		csv.Connector,
		flight.Connector,
		generator.ClicksConnector,
		generator.DatagenConnector,
		generator.NexmarkConnector,
		http.Connector,
		ipc.Connector,
		jdbc.Connector,
		json.Connector,
		kafka.Connector,
		libsvm.Connector,
		mysql.Connector,
		parquet.Connector,
		postgres.Connector,
		socket.Connector,
	}
}

// Formats returns every format that connectors of bytes can carry.
func Formats() []arrowstream.Format {
	return []arrowstream.Format{csv.Format, json.Format, ipc.Format}
}
