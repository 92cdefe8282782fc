"""Reads streams of a running job with pyarrow until they end, as CSV.

    read_flight.py URI STREAM...
"""

import sys
import time

import pyarrow.csv
import pyarrow.flight

uri, *names = sys.argv[1:]
for name in names:
    for attempt in range(200):
        try:
            client = pyarrow.flight.connect(uri)
            info = client.get_flight_info(pyarrow.flight.FlightDescriptor.for_path(name))
            break
        except pyarrow.flight.FlightError:
            if attempt == 199:
                raise
            time.sleep(0.1)
    table = client.do_get(info.endpoints[0].ticket).read_all()
    table.validate(full=True)
    print(name, table.num_rows)
    for row in table.to_pylist():
        print(",".join(v.isoformat() if hasattr(v, "isoformat") else str(v) for v in row.values()))
