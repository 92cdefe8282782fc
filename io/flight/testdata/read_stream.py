"""Reads and writes streams of an arrowstream Flight server with pyarrow.

    read_stream.py URI get NAME [TICKET]   print every row as JSON, then the notes
    read_stream.py URI put NAME            send three batches
    read_stream.py URI list                print the names and schemas
    read_stream.py URI login USER PASSWORD get NAME   log in, and get
    read_stream.py URI resume NAME N       stop after N rows, go on from there

Every message says where it stands: {"epoch", "seq", "rows"}. A program that
keeps epoch and seq with what it made of the rows asks for the next and has
every row once, whatever happens to either side.
"""

import json
import sys

import pyarrow as pa
import pyarrow.flight as flight


def get(client, name, ticket, options=None):
    options = options or flight.FlightCallOptions()
    info = client.get_flight_info(flight.FlightDescriptor.for_path(name), options)
    assert info.schema == client.get_schema(flight.FlightDescriptor.for_path(name), options).schema
    ticket = flight.Ticket(ticket.encode()) if ticket else info.endpoints[0].ticket
    reader = client.do_get(ticket, options)
    for chunk in reader:
        if chunk.data is None:
            continue
        chunk.data.validate(full=True)
        for row in chunk.data.to_pylist():
            print(json.dumps(row, default=str))
        note = json.loads(chunk.app_metadata.to_pybytes())
        print("note", note["seq"], note["rows"])


def login(client, user, password, verb, name):
    token = client.authenticate_basic_token(user, password)
    get(client, name, "", flight.FlightCallOptions(headers=[token]))


def resume(client, name, limit):
    """Reads limit rows, then the rest over a second call."""
    info = client.get_flight_info(flight.FlightDescriptor.for_path(name))
    job, place, rows = json.loads(info.app_metadata)["job"], None, []
    while True:
        wish = {"stream": name, "job": job, **place} if place else {"stream": name}
        info = client.get_flight_info(flight.FlightDescriptor.for_command(json.dumps(wish)))
        for chunk in client.do_get(info.endpoints[0].ticket):
            note = json.loads(chunk.app_metadata.to_pybytes())
            # In one transaction: the rows, and where the next ones begin.
            rows += chunk.data.to_pylist()
            if note.get("end"):
                place = {"epoch": note["epoch"] + 1, "seq": 0}
            else:
                place = {"epoch": note["epoch"], "seq": note["seq"] + 1}
            if len(rows) == limit:
                limit = -1
                break
        else:
            break
    for row in rows:
        print(json.dumps(row, default=str))


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
    elif verb == "login":
        login(client, *rest)
    elif verb == "resume":
        resume(client, rest[0], int(rest[1]))
    elif verb == "put":
        put(client, rest[0])
    else:
        for info in client.list_flights():
            print(info.descriptor.path[0].decode(), info.schema.names, info.total_records)


main()
