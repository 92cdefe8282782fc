"""Reads and writes streams of an arrowstream Flight server with pyarrow.

    read_stream.py URI get NAME [TICKET]   print every row as JSON, then the notes
    read_stream.py URI put NAME            send three batches
    read_stream.py URI list                print the names and schemas
"""

import json
import sys

import pyarrow as pa
import pyarrow.flight as flight


def get(client, name, ticket):
    info = client.get_flight_info(flight.FlightDescriptor.for_path(name))
    assert info.schema == client.get_schema(flight.FlightDescriptor.for_path(name)).schema
    ticket = flight.Ticket(ticket.encode()) if ticket else info.endpoints[0].ticket
    reader = client.do_get(ticket)
    for chunk in reader:
        if chunk.data is None:
            continue
        chunk.data.validate(full=True)
        for row in chunk.data.to_pylist():
            print(json.dumps(row, default=str))
        note = json.loads(chunk.app_metadata.to_pybytes())
        print("note", note["seq"], note["rows"])


def put(client, name):
    schema = pa.schema([("k", pa.dictionary(pa.int32(), pa.string())), ("x", pa.float64())])
    writer, reader = client.do_put(flight.FlightDescriptor.for_path(name), schema)
    for i in range(3):
        k = pa.array(["a", None, "ü"]).dictionary_encode()
        writer.write_batch(pa.record_batch([k, pa.array([i + 0.5, None, -0.0])], schema=schema))
    writer.done_writing()
    print(reader.read().to_pybytes().decode())
    writer.close()


def main():
    uri, verb, *rest = sys.argv[1:]
    client = flight.connect(uri)
    if verb == "get":
        get(client, rest[0], rest[1] if len(rest) > 1 else "")
    elif verb == "put":
        put(client, rest[0])
    else:
        for info in client.list_flights():
            print(info.descriptor.path[0].decode(), info.schema.names, info.total_records)


main()
