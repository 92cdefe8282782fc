package syntax

import "testing"

func TestRedact(t *testing.T) {
	for value, want := range map[string]string{
		"orders.csv":                                       "orders.csv",
		"me:you@example.com":                               "me:you@example.com",
		"password=x in a text":                             "password=x in a text",
		"s3://bucket/a@b:c":                                "s3://bucket/a@b:c",
		"postgres://h:5432/d?sslmode=require":              "postgres://h:5432/d?sslmode=require",
		"postgres://u@h/d":                                 "postgres://u@h/d",
		"postgres://u:p@h/d":                               "postgres://u:***@h/d",
		"jdbc:postgresql://u:p?q/@h/d":                     "jdbc:postgresql://u:***@h/d",
		"mysql://h:3306/d?user=a@b":                        "mysql://h:3306/d?user=a@b",
		"postgres://u:a@b:c/d@h:1/d?user=u&password=p&x=1": "postgres://u:***@h:1/d?user=u&password=***&x=1",
		"jdbc:mysql://h/d?user=u&trustStorePassword=p#1":   "jdbc:mysql://h/d?user=u&trustStorePassword=***",
		"u:p@ss@tcp(h:1)/d?tls=true":                       "u:***@tcp(h:1)/d?tls=true",
		"host=h password='a b' dbname=d":                   "host=h password=*** dbname=d",
		"dbname=d PASSWORD = geheim user=u":                "dbname=d PASSWORD = *** user=u",
	} {
		if got := Redact(value); got != want {
			t.Errorf("%s becomes\n%s, want\n%s", value, got, want)
		}
	}
}
